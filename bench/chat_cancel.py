"""`python -m bench.chat_cancel`: how soon a chat server notices that an answer is cancelled.

A server on loopback streams a word every 10 ms without end. The brain's iterator is closed
behind the third, and the server's clock tells when its connection ended: both run in this
process, so that the clock is one.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import BrainOutput, Prompt
from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess

ROUNDS = 200
WORD_INTERVAL_S = 0.01
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
PROMPT = Prompt("Be brief.", (Item("1", Role.USER, "Hello."),))


class Server:
    """Notes when each client hung up."""

    def __init__(self) -> None:
        self.hung_up: asyncio.Queue[float] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writing = asyncio.create_task(self._write(writer))
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.hung_up.put_nowait(time.perf_counter())
        writing.cancel()
        writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        chunk = json.dumps({"choices": [{"delta": {"content": "word "}}]})
        writer.write(HEAD)
        while True:
            writer.write(f"data: {chunk}\n\n".encode())
            await asyncio.sleep(WORD_INTERVAL_S)


async def cancelled_at(answer: AsyncGenerator[BrainOutput]) -> float:
    async with aclosing(answer):
        for _ in range(3):
            await anext(answer)
        return time.perf_counter()


async def main() -> None:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    access = ServerAccess(urls=(url,))
    endpoint = ChatEndpoint(access, "m", ModelServerCounters(), ChatTimeouts())
    delays_ms = []
    for number in range(ROUNDS):
        cancelled = await cancelled_at(endpoint.open(str(number)).answer(PROMPT))
        delays_ms.append(1000 * (await server.hung_up.get() - cancelled))
    await endpoint.close()
    listening.close()
    delays_ms.sort()
    for name, place in (("p50", 0.5), ("p99", 0.99)):
        print(f"{name} {delays_ms[int(place * (ROUNDS - 1))]:.2f} ms")
    print(f"max {delays_ms[-1]:.2f} ms of {ROUNDS} answers")


if __name__ == "__main__":
    asyncio.run(main())
