"""The TCP connection that a trunk's gRPC call lives on."""

import asyncio
from collections.abc import Callable
from typing import cast

from transceiver.grpc_stream import GrpcStream, GrpcStreamError

PING_INTERVAL_S = 5.0
REPLY_WAIT_S = 0.002
"""How long what the protocol alone asks for waits for a message to travel with."""

MAX_UNANSWERED_PINGS = 2
"""A replica that leaves so many unanswered is gone, however alive its network is."""


class TrunkConnection(asyncio.Protocol):
    """Writes messages at once, and tells of those that arrive."""

    def __init__(
        self,
        stream: GrpcStream,
        *,
        on_message: Callable[[bytes], None],
        on_writable: Callable[[], None],
    ) -> None:
        """`on_writable` is called whenever `blocked` may have ended."""
        self._stream = stream
        self._on_message = on_message
        self._on_writable = on_writable
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._paused = False
        self._replying: asyncio.TimerHandle | None = None
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done once the server has introduced itself."""
        self.lost: asyncio.Future[Exception] = loop.create_future()
        """Why the connection ended."""

    @property
    def blocked(self) -> bool:
        """Whether a message would have to wait, for the network or for the server."""
        return self._paused or self._stream.blocked or not self._stream.ready

    def send(self, message: bytes) -> None:
        self._stream.send(message)
        self._write()

    def close(self) -> None:
        """Drop the connection; harmless when it is lost."""
        self._transport.abort()

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._write()
        self._pinging = self._loop.call_later(PING_INTERVAL_S, self._ping)

    def data_received(self, data: bytes) -> None:
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

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pinging.cancel()
        if self._replying is not None:
            self._replying.cancel()
        self._end(exc or GrpcStreamError("the server closed the connection"))

    def _write(self) -> None:
        outgoing = self._stream.take()
        if outgoing:
            self._transport.write(outgoing)

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
        if not self.lost.done():
            self.lost.set_result(why)
        self._transport.abort()
