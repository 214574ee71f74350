"""One client's encrypted transport: ICE, DTLS and SRTP behind `receive` and `send_*`."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsEndpoint, DtlsError
from transceiver.ice import IceAgent
from transceiver.srtp import SrtpError, SrtpReceiver, SrtpSender

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
    from addresses that such a check came from. Media is accepted from any address
    that SRTP authenticates.
    """

    def __init__(
        self,
        ice: IceAgent,
        dtls: DtlsEndpoint,
        *,
        listener: TransportListener,
        send: SendDatagram,
        drops: Counter[DropReason],
    ) -> None:
        self.ice = ice
        self._dtls = dtls
        self._listener = listener
        self._send = send
        self._drops = drops
        self._srtp_receiver: SrtpReceiver | None = None
        self._srtp_sender: SrtpSender | None = None
        self._dtls_started = False
        self._dtls_due: float | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._srtp_sender is not None

    def receive(self, datagram: bytes, client: Address, now: float) -> None:
        """Handle one datagram from the client; what cannot be used is counted."""
        match packet_kind(datagram):
            case PacketKind.RTP:
                self._receive_rtp(datagram, now)
            case PacketKind.RTCP:
                self._receive_rtcp(datagram, now)
            case PacketKind.STUN:
                self._receive_stun(datagram, client, now)
            case PacketKind.DTLS:
                self._receive_dtls(datagram, client, now)
            case PacketKind.OTHER:
                self._drops[DropReason.OTHER_PROTOCOL] += 1

    def tick(self, now: float) -> None:
        """Send the checks and DTLS retransmissions that are due."""
        self.ice.tick(now)
        self._flush_ice()
        if self._dtls_due is not None and now >= self._dtls_due:
            self._drive_dtls(self._dtls.tick, now)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; does nothing before the transport is connected."""
        if self._srtp_sender is not None and self.ice.selected is not None:
            self._send(self._srtp_sender.protect(packet), self.ice.selected)

    def send_rtcp(self, packet: bytes) -> None:
        if self._srtp_sender is not None and self.ice.selected is not None:
            self._send(self._srtp_sender.protect_rtcp(packet), self.ice.selected)

    def send_data(self, packet: bytes, now: float) -> None:
        """Send an SCTP packet as one DTLS record."""
        self._drive_dtls(lambda: self._dtls.send(packet), now)

    def close(self, now: float) -> None:
        """Say close_notify to the client; harmless when closed."""
        self._closed = True
        self._dtls.close()
        self._flush_dtls(now)

    def _receive_stun(self, datagram: bytes, client: Address, now: float) -> None:
        self.ice.receive(datagram, client, now)
        self._flush_ice()
        if not self._dtls_started and self.ice.selected is not None:
            self._dtls_started = True
            self._drive_dtls(self._dtls.start, now)

    def _receive_dtls(self, datagram: bytes, client: Address, now: float) -> None:
        if not self.ice.knows(client):
            self._drops[DropReason.NO_CALL] += 1
            return
        self._drive_dtls(lambda: self._dtls.receive(datagram), now)

    def _receive_rtp(self, datagram: bytes, now: float) -> None:
        if self._srtp_receiver is None:
            self._drops[DropReason.EARLY_MEDIA] += 1
            return
        try:
            packet = self._srtp_receiver.unprotect(datagram)
        except SrtpError:
            self._drops[DropReason.SRTP_AUTHENTICATION] += 1
            return
        self._listener.rtp_received(packet, now)

    def _receive_rtcp(self, datagram: bytes, now: float) -> None:
        if self._srtp_receiver is None:
            self._drops[DropReason.EARLY_MEDIA] += 1
            return
        try:
            packet = self._srtp_receiver.unprotect_rtcp(datagram)
        except SrtpError:
            self._drops[DropReason.SRTP_AUTHENTICATION] += 1
            return
        self._listener.rtcp_received(packet, now)

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
            self._listener.transport_connected(now)
        for record in self._dtls.take_application_data():
            self._listener.data_received(record, now)
        if self._dtls.closed:
            self._report_closed(now)

    def _report_closed(self, now: float) -> None:
        self._dtls_due = None
        if not self._closed:
            self._closed = True
            self._listener.transport_closed(now)

    def _flush_ice(self) -> None:
        for datagram, client in self.ice.take_datagrams():
            self._send(datagram, client)

    def _flush_dtls(self, now: float) -> None:
        for datagram in self._dtls.take_datagrams():
            if self.ice.selected is not None:
                self._send(datagram, self.ice.selected)
        timeout = self._dtls.timeout()
        self._dtls_due = None if timeout is None else now + timeout
