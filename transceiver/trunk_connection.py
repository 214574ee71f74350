"""The TCP connection that a trunk's gRPC call lives on."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from chassis.host_port import HostPort
from transceiver.grpc_stream import GrpcStream, GrpcStreamError

PING_INTERVAL_S = 0.5
REPLY_WAIT_S = 0.002
"""How long what the protocol alone asks for waits for a message to travel with."""

MAX_UNANSWERED_PINGS = 3
"""A replica that leaves so many unanswered, and sends nothing else, is gone, however alive its
network is. Fewer would take a busy machine for a dead one."""

READ_BYTES = 256 * 1024


class TrunkConnection:
    """Writes messages at once, and tells of those that arrive.

    It reads when the event loop finds something to read, or, while it does not `listen`,
    when it is asked to `poll`.
    """

    def __init__(
        self,
        connected: socket.socket,
        stream: GrpcStream,
        *,
        on_message: Callable[[bytes], None],
        on_writable: Callable[[], None],
    ) -> None:
        """Takes a connected, non-blocking socket. `on_writable` is called whenever `blocked`
        may have ended."""
        self._socket = connected
        self._stream = stream
        self._on_message = on_message
        self._on_writable = on_writable
        self._loop = asyncio.get_running_loop()
        self._unwritten = bytearray()
        self._listening = False
        self._replying: asyncio.TimerHandle | None = None
        self._closed = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done once the server has introduced itself."""
        self.lost: asyncio.Future[Exception] = self._loop.create_future()
        """Why the connection ended."""
        self._pinging = self._loop.call_later(PING_INTERVAL_S, self._ping)
        self.listen(True)
        self._write()

    @property
    def blocked(self) -> bool:
        """Whether a message would have to wait, for the network or for the server."""
        return bool(self._unwritten) or self._stream.blocked or not self._stream.ready

    def send(self, message: bytes) -> None:
        """Send a message, or all that is possible of it now and the rest when it is."""
        self._stream.send(message)
        self._write()

    def listen(self, listening: bool) -> None:
        """Whether to read as soon as there is something to read."""
        if self._closed or listening == self._listening:
            return
        self._listening = listening
        if listening:
            self._loop.add_reader(self._socket, self.poll)
        else:
            self._loop.remove_reader(self._socket)

    def poll(self) -> None:
        """Read what there is."""
        if self._closed:
            return
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._receive(data)
        else:
            self._end(GrpcStreamError("the server closed the connection"))

    def close(self, why: str = "closed") -> None:
        """Drop the connection; harmless when it is lost."""
        self._end(GrpcStreamError(why))

    def _receive(self, data: bytes) -> None:
        was_blocked = self.blocked
        try:
            messages = self._stream.receive(data)
        except GrpcStreamError as error:
            self._end(error)
            return
        if self._replying is None and self._stream.replies:
            self._replying = self._loop.call_later(REPLY_WAIT_S, self._reply)
        for message in messages:
            self._on_message(message)
        if self._stream.ready and not self.ready.done():
            self.ready.set_result(None)
        if was_blocked and not self.blocked:
            self._on_writable()

    def _write(self) -> None:
        self._unwritten += self._stream.take()
        if not self._unwritten or self._closed:
            return
        try:
            sent = self._socket.send(self._unwritten)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._end(error)
            return
        del self._unwritten[:sent]
        if self._unwritten:
            self._loop.add_writer(self._socket, self._resume)

    def _resume(self) -> None:
        self._loop.remove_writer(self._socket)
        self._write()
        if not self.blocked:
            self._on_writable()

    def _reply(self) -> None:
        self._replying = None
        self._write()

    def _ping(self) -> None:
        if self._stream.pings_unanswered >= MAX_UNANSWERED_PINGS:
            self._end(GrpcStreamError("the server does not answer pings"))
            return
        self._stream.ping()
        self._write()
        self._pinging = self._loop.call_later(PING_INTERVAL_S, self._ping)

    def _end(self, why: Exception) -> None:
        if self._closed:
            return
        self.listen(False)
        self._loop.remove_writer(self._socket)
        self._closed = True
        self._pinging.cancel()
        if self._replying is not None:
            self._replying.cancel()
        self._socket.close()
        self.lost.set_result(why)


async def connect(target: HostPort) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError when no address of `target` answers."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{target} has no address")
    for family, kind, protocol, _name, address in await loop.getaddrinfo(
        target.host, target.port, type=socket.SOCK_STREAM
    ):
        candidate = socket.socket(family, kind, protocol)
        candidate.setblocking(False)
        with contextlib.ExitStack() as closing:
            closing.callback(candidate.close)
            try:
                await loop.sock_connect(candidate, address)
            except OSError as error:
                failure = error
                continue
            candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            closing.pop_all()
            return candidate
    raise failure
