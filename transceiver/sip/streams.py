"""SIP over TCP and TLS: connections that peers make, and that are made to them.

https://www.rfc-editor.org/rfc/rfc3261#section-18
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from typing import cast

from antiphon_proto.address import Address
from transceiver.sip.connection_table import MAX_UNSENT_BYTES
from transceiver.sip.exchange import Exchange
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.stream_framing import PONG, StreamFraming

HANDSHAKE_S = 5.0
CONNECT_S = 5.0
BACKLOG = 512
AT_ONCE = 16
"""Messages of one connection that are taken before calls get their turn."""
MAX_PINGS_AT_ONCE = 64
"""Phones send one in half a minute: whoever sends more wants an answer for every four bytes."""

_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class StreamConnection(asyncio.Protocol):
    """One connection: an `exchange.Connection` to be sent by, and messages that come."""

    def __init__(self, exchange: Exchange, transport: SipTransport, *, ours: bool = False) -> None:
        self._exchange = exchange
        self._sip_transport = transport
        self._ours = ours
        self._framing = StreamFraming()
        self._waiting: deque[bytes] = deque()
        self._is_intact = True
        self._transport: asyncio.Transport | None = None
        self.flow: Flow | None = None
        """None before it is there, and if there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Those of uvloop are no asyncio.Transport by their type.
        self._transport = transport = cast(asyncio.Transport, transport)
        _keep_alive(transport)
        peer = transport.get_extra_info("peername")
        if peer is None:
            transport.abort()
            return
        remote: Address = (peer[0], peer[1])
        self.flow = self._exchange.opened(self, self._sip_transport, remote, ours=self._ours)
        if self.flow is None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.flow is None:
            return
        framed = self._framing.feed(data)
        if framed.pings:
            self._kept_alive(framed.pings, self.flow)
        is_busy = bool(self._waiting)
        self._waiting += framed.messages
        self._is_intact &= framed.intact
        if not is_busy:
            self._take(self.flow)

    def _take(self, flow: Flow) -> None:
        """Some of what waits; calls get their turn before the rest, and before more is read."""
        if self._transport is None:
            return
        for _ in range(min(AT_ONCE, len(self._waiting))):
            if self._transport.is_closing():
                self._waiting.clear()
                return
            self._exchange.received(self._waiting.popleft(), flow)
        if self._waiting:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._take, flow)
        elif self._is_intact:
            self._transport.resume_reading()
        else:
            self._exchange.dropped(SipDrop.FRAMING)
            self.abort()

    def _kept_alive(self, pings: int, flow: Flow) -> None:
        if self.unsent_bytes > MAX_UNSENT_BYTES:
            self._exchange.dropped(SipDrop.SLOW_PEER)
            self.abort()
        elif pings > MAX_PINGS_AT_ONCE:
            self._exchange.dropped(SipDrop.FRAMING)
            self.abort()
        else:
            self.write(PONG * pings)
            self._exchange.kept_alive(flow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.clear()
        if self.flow is not None:
            self._exchange.closed(self.flow)

    @property
    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport else 0

    def write(self, message: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(message)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def serve_streams(
    exchange: Exchange,
    transport: SipTransport,
    listening: socket.socket,
    tls: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Take connections on a bound socket; TLS with a context. To be closed."""
    return await asyncio.get_running_loop().create_server(
        lambda: StreamConnection(exchange, transport),
        sock=listening,
        backlog=BACKLOG,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_S if tls else None,
    )


async def connect(
    exchange: Exchange,
    transport: SipTransport,
    remote: Address,
    tls: ssl.SSLContext | None,
    name: str,
) -> Flow | None:
    """Make a connection; over TLS the peer must prove to be `name`. None where there is none.

    https://www.rfc-editor.org/rfc/rfc5922#section-7.3
    """
    host, port = remote
    try:
        async with asyncio.timeout(CONNECT_S):
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: StreamConnection(exchange, transport, ours=True),
                host,
                port,
                ssl=tls,
                server_hostname=name if tls else None,
            )
    except (OSError, TimeoutError):
        return None
    return made.flow


def _keep_alive(transport: asyncio.Transport) -> None:
    """So that a peer whose network is gone does not hold its connection for ever."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        for level, option, value in _KEEP_ALIVE:
            sock.setsockopt(level, option, value)
