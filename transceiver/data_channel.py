"""The `oai-events` data channel: text messages over SCTP over DTLS (RFC 8831).

SCTP is aiortc's (`SctpAssociation`), which expects one of its own DTLS transports; `_Link`
gives it the five names that it uses of one, all but one private. A contract test and the
pinned version of aiortc hold that together. SCTP's timers run on the asyncio loop.
"""

import enum
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from aiortc import RTCDataChannel, RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities

from transceiver.sctp_association import SctpAssociation
from transceiver.sctp_guard import check_packet

LABEL = "oai-events"

MAX_BUFFERED_BYTES = 4 * 1024 * 1024
"""Unsent messages beyond which a client counts as not reading."""

MAX_CHANNELS = 16
"""Channels that a client may open; all but the one labelled `LABEL` are ignored."""


class ChannelEnd(enum.Enum):
    """Why the channel closed."""

    PEER = "peer"
    """The client closed it, or its SCTP gave up."""
    OVERFLOW = "overflow"
    """The client did not read what was sent to it."""
    VIOLATION = "violation"
    """The client overran what is kept of unfinished messages, or opened too many channels."""


class DataChannelListener(Protocol):
    """Hears of the channel; never called from within a call to it, but for `receive`."""

    def channel_opened(self) -> None: ...

    def message_received(self, text: str) -> None: ...

    def channel_closed(self, end: ChannelEnd) -> None:
        """Called once, and never after `DataChannel.close`."""


class DataChannel:
    """The server's end of the channel that the client opens in-band.

    `client` is our DTLS role, `remote_port` and `max_message_bytes` come from the
    offer. `send_packet` takes SCTP packets, one DTLS record each. Needs a running
    asyncio loop.
    """

    def __init__(
        self,
        listener: DataChannelListener,
        send_packet: Callable[[bytes], None],
        *,
        client: bool,
        remote_port: int,
        max_message_bytes: int,
    ) -> None:
        self._listener = listener
        self._link = _Link(send_packet, "client" if client else "server")
        self._remote_port = remote_port
        self._capabilities = RTCSctpCapabilities(maxMessageSize=max_message_bytes)
        self._sctp = SctpAssociation(cast(RTCDtlsTransport, self._link))
        self._sctp.on("datachannel", self._channel_offered)
        self._channel: RTCDataChannel | None = None
        self._channels = 0
        self._closed = False
        self._receiving = False
        self._pending: list[Callable[[], None]] = []
        self.malformed_packets = 0
        self.unsendable_messages = 0

    @property
    def open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    def start(self) -> None:
        """Begin the SCTP association; DTLS must be connected."""
        _complete(self._sctp.start(self._capabilities, self._remote_port))

    def receive(self, packet: bytes) -> None:
        """Take one SCTP packet; a malformed one is counted."""
        if self._closed:
            return
        self._receiving = True
        try:
            check_packet(packet, self._sctp.outstanding)
            self._link.deliver(packet)
        except Exception:  # noqa: BLE001
            # aiortc asserts and unpacks what the client wrote; its state stays usable.
            self.malformed_packets += 1
        self._receiving = False
        self._notify()
        if self._sctp.overrun or self._channels > MAX_CHANNELS:
            self._end(ChannelEnd.VIOLATION)

    def send(self, text: str) -> None:
        """Queue a message; does nothing unless open.

        One that exceeds the client's announced limit is counted and dropped. A
        client that leaves `MAX_BUFFERED_BYTES` unread loses the channel, for events
        are only of use in full.
        """
        if self._channel is None or not self.open:
            return
        try:
            self._channel.send(text)
        except ValueError:
            self.unsendable_messages += 1
        if self._channel.bufferedAmount > MAX_BUFFERED_BYTES:
            self._end(ChannelEnd.OVERFLOW)

    def close(self) -> None:
        """Abort the association behind what was sent; harmless when closed."""
        if not self._closed:
            self._closed = True
            # aiortc queues a message until the event loop's next turn.
            _complete(self._sctp._data_channel_flush())
            _complete(self._sctp.stop())
            # Else the two know one another for ever.
            self._sctp.remove_all_listeners()
            if self._channel is not None:
                self._channel.remove_all_listeners()

    def _end(self, end: ChannelEnd) -> None:
        if not self._closed:
            self.close()
            self._listener.channel_closed(end)

    def _channel_offered(self, channel: RTCDataChannel) -> None:
        self._channels += 1
        if channel.label != LABEL or self.open:
            return
        self._channel = channel
        channel.on("message", lambda message: self._later(lambda: self._deliver(message)))
        channel.on("close", lambda: self._later(lambda: self._end(ChannelEnd.PEER)))
        self._later(self._listener.channel_opened)

    def _deliver(self, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode(errors="replace")
        self._listener.message_received(text)

    def _later(self, notice: Callable[[], None]) -> None:
        """Tell the listener once aiortc's own call is over.

        The listener may send or close in turn, and its faults are not the client's.
        """
        self._pending.append(notice)
        if not self._receiving:
            self._notify()

    def _notify(self) -> None:
        while self._pending and not self._closed:
            self._pending.pop(0)()


class _PacketReceiver(Protocol):
    async def _handle_data(self, data: bytes) -> None: ...


class _Link:
    """What `RTCSctpTransport` uses of an `RTCDtlsTransport`."""

    def __init__(self, send_packet: Callable[[bytes], None], role: str) -> None:
        self.state = "connected"
        self._role = role
        self._send_packet = send_packet
        self._receiver: _PacketReceiver | None = None

    def deliver(self, packet: bytes) -> None:
        if self._receiver is not None:
            _complete(self._receiver._handle_data(packet))

    def _register_data_receiver(self, receiver: _PacketReceiver) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, _receiver: _PacketReceiver) -> None:
        self._receiver = None

    async def _send_data(self, packet: bytes) -> None:
        self._send_packet(packet)


def _complete(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run one of aiortc's coroutines to its end at once.

    All that they await is `_Link._send_data`, which does not suspend; a task each
    would only delay and reorder them.
    """
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("aiortc's SCTP suspended")
