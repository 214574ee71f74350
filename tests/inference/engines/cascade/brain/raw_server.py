"""A TCP server that answers every HTTP request with the bytes of a script, sense or nonsense."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
RESET = "reset"


class RawServer:
    def __init__(self, script: Iterable[bytes | float | str]) -> None:
        """Bytes are sent, a float is a pause in seconds, "reset" resets the connection."""
        self.url = ""
        self.connections = 0
        self.hung_up = asyncio.Event()
        self._script = script

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        sending = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            sending = asyncio.create_task(self._send(writer))
            while await reader.read(65536):
                """The rest of the request; then the client hangs up."""
        self.hung_up.set()
        if sending is not None:
            sending.cancel()
        writer.close()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for step in self._script:
                match step:
                    case bytes():
                        writer.write(step)
                        await writer.drain()
                    case float():
                        await asyncio.sleep(step)
                    case _:
                        writer.transport.abort()
                        return
            writer.close()


@asynccontextmanager
async def raw_server(script: Iterable[bytes | float | str]) -> AsyncIterator[RawServer]:
    server = RawServer(script)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
