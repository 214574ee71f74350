"""A caller's end of the `oai-events` data channel: aiortc's SCTP over our DTLS."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCDtlsTransport, RTCSctpTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities

from loadtest.callers.webrtc.session_description import MAX_MESSAGE_BYTES, SCTP_PORT

LABEL = "oai-events"


class EventChannel:
    """`open` it once DTLS has keys; hand it records by `receive`."""

    def __init__(
        self,
        send_record: Callable[[bytes], None],
        received: Callable[[str], None],
        *,
        dtls_client: bool,
    ) -> None:
        self._link = _Link(send_record, dtls_client=dtls_client)
        self._sctp = RTCSctpTransport(cast(RTCDtlsTransport, self._link))
        self._received = received

    async def open(self) -> None:
        """Start the association, and the channel on it."""
        channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(label=LABEL))
        channel.on("message", self._received)
        await self._sctp.start(RTCSctpCapabilities(MAX_MESSAGE_BYTES), SCTP_PORT)

    def receive(self, record: bytes) -> None:
        """Take an SCTP packet."""
        self._link.deliver(record)

    async def close(self) -> None:
        await self._sctp.stop()


class _PacketReceiver(Protocol):
    def _handle_data(self, data: bytes) -> Awaitable[None]: ...


class _Link:
    """What `RTCSctpTransport` uses of an `RTCDtlsTransport`."""

    state = "connected"

    def __init__(self, send_record: Callable[[bytes], None], *, dtls_client: bool) -> None:
        # https://www.rfc-editor.org/rfc/rfc8832#section-6: the role says whose streams are even.
        self._role = "client" if dtls_client else "server"
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
        early, self._early = self._early, []
        for packet in early:
            self.deliver(packet)

    def _unregister_data_receiver(self, _receiver: _PacketReceiver) -> None:
        self._receiver = None

    async def _send_data(self, packet: bytes) -> None:
        self._send_record(packet)
