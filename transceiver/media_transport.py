"""One client's encrypted transport: ICE, DTLS and SRTP behind `receive` and `send_*`."""

import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.stun import StunMessage
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsEndpoint, DtlsError
from transceiver.dtls_flight import DtlsFlight
from transceiver.ice import IceAgent
from transceiver.srtp import SrtpError, SrtpReceiver, SrtpSender

MAX_WAITING = 8
"""DTLS datagrams that wait for leave to be sent; the longest flight has one or two."""

MAX_SOURCES = 8
"""RTP sources of the client that are remembered."""

RTP_QUIET_S = 1.0
"""After so long without RTP the client's RTCP tells where it is."""

SendDatagram = Callable[[bytes, Address], None]


class TransportListener(Protocol):
    """What becomes of a client's packets once they are authenticated."""

    def transport_connected(self, now: float) -> None:
        """DTLS is done and the peer authenticated: media and data may be sent."""

    def rtp_received(self, packet: bytes, now: float) -> None: ...

    def rtcp_received(self, packet: bytes, now: float) -> None: ...

    def data_received(self, record: bytes, now: float) -> None:
        """One DTLS record's content: an SCTP packet."""

    def transport_closed(self, now: float) -> None:
        """DTLS failed or the peer closed it."""


class MediaTransport:
    """Owns the three protocols' state and the order between them.

    DTLS starts with the first authenticated connectivity check, and is heard only
    from addresses that such a check or media came from. Media is accepted from any
    address that SRTP authenticates, and tells the ICE agent where the client is.
    Nothing leaves for an address beyond what the ICE agent's limit for it allows:
    DTLS then waits for more, media is dropped.
    """

    def __init__(
        self,
        ice: IceAgent,
        dtls: DtlsEndpoint,
        *,
        listener: TransportListener,
        send: SendDatagram,
        drops: Counter[DropReason],
        sources: tuple[int, ...] = (),
    ) -> None:
        """`sources` are the SSRCs that the client has named by signaling."""
        self.ice = ice
        self.sources = dict.fromkeys(sources[:MAX_SOURCES], False)
        """The client's RTP sources (SSRC), and whether authentic media came from each."""
        self._sources_revision = 0
        self._dtls = dtls
        self._listener = listener
        self._send = send
        self._drops = drops
        self._srtp_receiver: SrtpReceiver | None = None
        self._srtp_sender: SrtpSender | None = None
        self._dtls_started = False
        self._dtls_due: float | None = None
        self._flight = DtlsFlight()
        self._waiting: deque[bytes] = deque()
        self._rtp_at = -math.inf
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._srtp_sender is not None

    @property
    def revision(self) -> int:
        """Changes whenever `sources`, or what the ICE agent knows of addresses, may have."""
        return self.ice.revision + self._sources_revision

    def receive(self, kind: PacketKind, datagram: bytes, client: Address, now: float) -> None:
        """Handle one datagram from a known address, except STUN; a useless one is counted."""
        if kind is PacketKind.RTP or kind is PacketKind.RTCP:
            self._receive_media(kind, datagram, client, now)
        elif kind is PacketKind.DTLS:
            self._receive_dtls(datagram, client, now)
        else:
            self._drops[DropReason.OTHER_PROTOCOL] += 1
        if self._waiting:
            self._flush_waiting()

    def receive_stun(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """Handle the STUN message of a datagram of `size` bytes."""
        self.ice.receive(message, size, client, now)
        self._flush_ice()
        self._flush_waiting()
        if not self._dtls_started and self.ice.selected is not None:
            self._dtls_started = True
            self._drive_dtls(self._dtls.start, now)

    def receive_roaming(
        self, kind: PacketKind, datagram: bytes, client: Address, now: float
    ) -> bool:
        """Handle RTP or RTCP from an unknown address; False, and nothing has changed, when it
        is not the client's.
        """
        receiver = self._srtp_receiver
        return receiver is not None and self._accept(receiver, kind, datagram, client, now)

    def tick(self, now: float) -> None:
        """Send the checks and DTLS retransmissions that are due."""
        self.ice.tick(now)
        self._flush_ice()
        if now >= self._flight.due_at:
            self._repeat_flight(now)
        if self._dtls_due is not None and now >= self._dtls_due:
            self._drive_dtls(self._dtls.tick, now)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; does nothing before the transport is connected."""
        if self._srtp_sender is not None:
            self._send_media(self._srtp_sender.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        if self._srtp_sender is not None:
            self._send_media(self._srtp_sender.protect_rtcp(packet))

    def send_data(self, packet: bytes, now: float) -> None:
        """Send an SCTP packet as one DTLS record."""
        self._drive_dtls(lambda: self._dtls.send(packet), now)

    def close(self, now: float) -> None:
        """Say close_notify to the client; harmless when closed."""
        self._closed = True
        self._dtls.close()
        self._flush_dtls(now)

    def _receive_dtls(self, datagram: bytes, client: Address, now: float) -> None:
        if not self.ice.knows(client):
            self._drops[DropReason.NO_CALL] += 1
            return
        self.ice.credit(len(datagram), client)
        self._drive_dtls(lambda: self._dtls.receive(datagram), now)

    def _receive_media(
        self, kind: PacketKind, datagram: bytes, client: Address, now: float
    ) -> None:
        receiver = self._srtp_receiver
        if receiver is None:
            self._drops[DropReason.EARLY_MEDIA] += 1
        elif not self._accept(receiver, kind, datagram, client, now):
            self._drops[DropReason.SRTP_AUTHENTICATION] += 1

    def _accept(
        self,
        receiver: SrtpReceiver,
        kind: PacketKind,
        datagram: bytes,
        client: Address,
        now: float,
    ) -> bool:
        """Use the packet inside; False when it is not the client's, or was here before."""
        try:
            if kind is PacketKind.RTP:
                self._accept_rtp(receiver, datagram, client, now)
            else:
                self._accept_rtcp(receiver, datagram, client, now)
        except SrtpError:
            return False
        return True

    def _accept_rtp(
        self, receiver: SrtpReceiver, datagram: bytes, client: Address, now: float
    ) -> None:
        packet = receiver.unprotect(datagram)
        if receiver.first:
            self._note_source(int.from_bytes(packet[8:12], "big"))
        if receiver.newest:
            self._rtp_at = now
            self._follow(len(datagram), client, now)
        self._listener.rtp_received(packet, now)

    def _accept_rtcp(
        self, receiver: SrtpReceiver, datagram: bytes, client: Address, now: float
    ) -> None:
        packet = receiver.unprotect_rtcp(datagram)
        # RTCP is numbered apart from RTP, and may come late from where the client was.
        if receiver.newest and now - self._rtp_at > RTP_QUIET_S:
            self._follow(len(datagram), client, now)
        self._listener.rtcp_received(packet, now)

    def _follow(self, size: int, client: Address, now: float) -> None:
        """Tell the ICE agent where the client's newest media came from."""
        if self.ice.media_received(size, client, now):
            self._flush_ice()

    def name_sources(self, sources: tuple[int, ...]) -> None:
        """The client has named these SSRCs by signaling, beside those before."""
        for source in sources[: MAX_SOURCES - len(self.sources)]:
            if source not in self.sources:
                self.sources[source] = False
                self._sources_revision += 1

    def _note_source(self, source: int) -> None:
        """Remember the first ones that are heard, in place of those only named."""
        if source not in self.sources and len(self.sources) >= MAX_SOURCES:
            unheard = next((known for known, heard in self.sources.items() if not heard), None)
            if unheard is None:
                return
            del self.sources[unheard]
        self.sources[source] = True
        self._sources_revision += 1

    def _drive_dtls(self, step: Callable[[], None], now: float) -> None:
        """Take one step of DTLS and act on what it brought."""
        try:
            step()
        except DtlsError:
            self._flush_dtls(now)
            self._report_closed(now)
            return
        self._flush_dtls(now)
        if self._srtp_sender is None and self._dtls.srtp_keys is not None:
            self._srtp_receiver = SrtpReceiver(self._dtls.srtp_keys)
            self._srtp_sender = SrtpSender(self._dtls.srtp_keys)
            self._flight.done()
            self._listener.transport_connected(now)
        for record in self._dtls.take_application_data():
            self._listener.data_received(record, now)
        if self._dtls.closed:
            self._report_closed(now)

    def _report_closed(self, now: float) -> None:
        self._dtls_due = None
        self._flight.done()
        if not self._closed:
            self._closed = True
            self._listener.transport_closed(now)

    def _send_media(self, packet: bytes) -> None:
        if not self._send_selected(packet):
            self._drops[DropReason.UNVALIDATED_ALLOWANCE] += 1

    def _send_selected(self, datagram: bytes) -> bool:
        """Whether the limit of the selected address let it leave."""
        client = self.ice.selected
        if client is None or not self.ice.spend(len(datagram), client):
            return False
        self._send(datagram, client)
        return True

    def _flush_ice(self) -> None:
        for datagram, client in self.ice.take_datagrams():
            self._send(datagram, client)

    def _flush_dtls(self, now: float) -> None:
        datagrams = self._dtls.take_datagrams()
        if datagrams and not self.connected:
            self._flight.sent(datagrams, now)
        for datagram in datagrams:
            self._send_dtls(datagram)
        timeout = self._dtls.timeout()
        self._dtls_due = None if timeout is None else now + timeout

    def _repeat_flight(self, now: float) -> None:
        datagrams = self._flight.due(now)
        if not self._waiting:  # Else the first time is still to come.
            for datagram in datagrams:
                self._send_dtls(datagram)

    def _send_dtls(self, datagram: bytes) -> None:
        """Send it, or let it wait behind those that wait."""
        if not self._waiting and self._send_selected(datagram):
            return
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(datagram)
        else:
            self._drops[DropReason.UNVALIDATED_ALLOWANCE] += 1

    def _flush_waiting(self) -> None:
        while self._waiting and self._send_selected(self._waiting[0]):
            self._waiting.popleft()
