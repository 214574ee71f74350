"""The client's end of the `oai-events` data channel: aiortc's SCTP, over a load client's DTLS."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCDtlsTransport, RTCSctpTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities

from bench.transceiver.session_description import SCTP_PORT

LABEL = "oai-events"
MAX_MESSAGE_BYTES = 262_144


class EventChannel:
    """`open` it once DTLS, whose server we are, is connected; hand it records by `receive`."""

    def __init__(self, send_record: Callable[[bytes], None]) -> None:
        self._link = _Link(send_record)
        self._sctp = RTCSctpTransport(cast(RTCDtlsTransport, self._link))
        self._received: asyncio.Queue[str] = asyncio.Queue()

    async def open(self) -> None:
        """Start the association, and the channel on it."""
        channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(label=LABEL))
        channel.on("message", lambda text: self._received.put_nowait(text))
        await self._sctp.start(RTCSctpCapabilities(MAX_MESSAGE_BYTES), SCTP_PORT)

    def receive(self, record: bytes) -> None:
        """Take an SCTP packet."""
        self._link.deliver(record)

    async def event(self, kind: str) -> None:
        """Wait for the next event of this type."""
        while json.loads(await self._received.get())["type"] != kind:
            pass

    async def close(self) -> None:
        await self._sctp.stop()


class _PacketReceiver(Protocol):
    def _handle_data(self, data: bytes) -> Awaitable[None]: ...


class _Link:
    """What `RTCSctpTransport` uses of an `RTCDtlsTransport`."""

    state = "connected"
    _role = "server"

    def __init__(self, send_record: Callable[[bytes], None]) -> None:
        self._send_record = send_record
        self._receiver: _PacketReceiver | None = None
        self._early: list[bytes] = []
        self._tasks: set[asyncio.Future[None]] = set()

    def deliver(self, packet: bytes) -> None:
        if self._receiver is None:
            self._early.append(packet)
        else:
            task = asyncio.ensure_future(self._receiver._handle_data(packet))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _register_data_receiver(self, receiver: _PacketReceiver) -> None:
        self._receiver = receiver
        for packet in self._early:
            self.deliver(packet)

    def _unregister_data_receiver(self, _receiver: _PacketReceiver) -> None:
        self._receiver = None

    async def _send_data(self, packet: bytes) -> None:
        self._send_record(packet)
