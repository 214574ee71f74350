"""One client's transport: its path and its protection, behind `receive` and `send_*`."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.stun import StunMessage
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsEndpoint
from transceiver.dtls_session import DtlsSession
from transceiver.media_path import MediaPath
from transceiver.media_sources import MediaSources
from transceiver.plain_rtp import PlainReceiver, PlainSender
from transceiver.srtp import SrtpError, SrtpKeys, SrtpReceiver, SrtpSender

RTP_QUIET_S = 1.0
"""After so long without RTP the client's RTCP tells where it is."""

SendDatagram = Callable[[bytes, Address], None]

Protection = DtlsEndpoint | SrtpKeys | None
"""What gives the keys: a handshake, or signaling; None leaves the media plain."""

_Receiver = SrtpReceiver | PlainReceiver


class TransportListener(Protocol):
    """What becomes of a client's packets once they are accepted."""

    def transport_connected(self, now: float) -> None:
        """The client is found, and with DTLS authenticated: media and data may be sent."""

    def rtp_received(self, packet: bytes, now: float) -> None: ...

    def rtcp_received(self, packet: bytes, now: float) -> None: ...

    def data_received(self, record: bytes, now: float) -> None:
        """One DTLS record's content: an SCTP packet."""

    def transport_closed(self, now: float) -> None:
        """DTLS failed or the peer closed it."""


class MediaTransport:
    """Owns the protocols' state and the order between them.

    It starts once the path knows where the client is: with ICE by the first authenticated
    check. DTLS is heard only from addresses that the path knows, as is plain media; media
    under keys from any address where they authenticate it, and it tells the path where
    the client is. Nothing leaves for an address beyond what the path allows for it: DTLS
    then waits for more, media is dropped.
    """

    def __init__(
        self,
        path: MediaPath,
        protection: Protection,
        *,
        listener: TransportListener,
        send: SendDatagram,
        drops: Counter[DropReason],
        sources: tuple[int, ...] = (),
    ) -> None:
        """`sources` are the SSRCs that the client has named by signaling."""
        self.path = path
        self._former_paths = 0
        """Their revisions."""
        self._sources = MediaSources(sources)
        self._listener = listener
        self._send = send
        self._drops = drops
        self._keys: SrtpKeys | None = None
        self._receiver: _Receiver | None = None
        self._sender: SrtpSender | PlainSender | None = None
        self._dtls: DtlsSession | None = None
        self._started = False
        self._rtp_at = -math.inf
        self._protect(protection)

    @property
    def connected(self) -> bool:
        return self._sender is not None

    @property
    def sources(self) -> dict[int, bool]:
        """The client's RTP sources (SSRC), and whether authentic media came from each."""
        return self._sources.known

    @property
    def revision(self) -> int:
        """Changes whenever `sources`, or what the path knows of addresses, may have."""
        return self.path.revision + self._sources.revision + self._former_paths

    def use_path(self, path: MediaPath) -> None:
        """The client is to be found another way from here on."""
        self._former_paths += self.path.revision + 1
        self.path = path

    def secure(self, protection: Protection) -> None:
        """Other keys from here on; those of a direction that stay the same go on.

        With a handshake nothing is sent or heard before it is over.
        """
        if isinstance(protection, SrtpKeys) and self._keys is not None and self.connected:
            self._rekey(self._keys, protection)
        else:
            self._receiver = self._sender = None
            self._protect(protection)

    def receive(self, kind: PacketKind, datagram: bytes, client: Address, now: float) -> None:
        """Handle one datagram from a known address, except STUN; a useless one is counted."""
        if kind is PacketKind.RTP or kind is PacketKind.RTCP:
            self._receive_media(kind, datagram, client, now)
        elif kind is PacketKind.DTLS and self._dtls is not None:
            self._receive_dtls(self._dtls, datagram, client, now)
        else:
            self._drops[DropReason.OTHER_PROTOCOL] += 1
        if self._dtls is not None and self._dtls.waiting:
            self._dtls.flush_waiting()

    def receive_stun(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """Handle the STUN message of a datagram of `size` bytes."""
        self.path.receive(message, size, client, now)
        self._flush_path()
        if self._dtls is not None:
            self._dtls.flush_waiting()
        self._start(now)

    def receive_roaming(
        self, kind: PacketKind, datagram: bytes, client: Address, now: float
    ) -> bool:
        """Handle RTP or RTCP from an unknown address; False, and nothing has changed, when it
        is not the client's.
        """
        receiver = self._receiver
        if receiver is None or not receiver.authenticates:
            return False
        return self._accept(receiver, kind, datagram, client, now)

    def tick(self, now: float) -> None:
        """Start when the client is found; send the checks and DTLS retransmissions that are due."""
        self.path.tick(now)
        self._flush_path()
        self._start(now)
        if self._dtls is not None:
            self._dtls.tick(now)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; does nothing before the transport is connected."""
        if self._sender is not None:
            self._send_media(self._sender.protect(packet), self.path.selected)

    def send_rtcp(self, packet: bytes) -> None:
        if self._sender is not None:
            self._send_media(self._sender.protect_rtcp(packet), self.path.rtcp)

    def send_data(self, packet: bytes, now: float) -> None:
        """Send an SCTP packet as one DTLS record."""
        if self._dtls is not None:
            self._dtls.send(packet, now)

    def close(self, now: float) -> None:
        """Say DTLS's close_notify to the client; harmless when closed."""
        if self._dtls is not None:
            self._dtls.close(now)
            # They know one another: without this both would wait for the garbage collector.
            self._dtls = None

    def name_sources(self, sources: tuple[int, ...]) -> None:
        """The client has named these SSRCs by signaling, beside those before."""
        self._sources.name(sources)

    # ---- what protects the packets: DtlsListener ------------------------------

    def keyed(self, keys: SrtpKeys, now: float) -> None:
        self._use_keys(keys)
        self._listener.transport_connected(now)

    def record_received(self, record: bytes, now: float) -> None:
        self._listener.data_received(record, now)

    def dtls_closed(self, now: float) -> None:
        self._listener.transport_closed(now)

    def _protect(self, protection: Protection) -> None:
        """Be ready to `_start` with it."""
        self._started = False
        self._dtls = self._keys = None
        if isinstance(protection, SrtpKeys):
            self._keys = protection
        elif protection is not None:
            self._dtls = DtlsSession(
                protection,
                listener=self,
                send=lambda datagram: self._send_to(datagram, self.path.selected),
                drops=self._drops,
            )

    def _start(self, now: float) -> None:
        if self._started or not self.path.ready:
            return
        self._started = True
        if self._dtls is not None:
            self._dtls.start(now)
            return
        if self._keys is not None:
            self._use_keys(self._keys)
        else:
            self._receiver, self._sender = PlainReceiver(), PlainSender()
        self._listener.transport_connected(now)

    def _use_keys(self, keys: SrtpKeys) -> None:
        self._receiver, self._sender = SrtpReceiver(keys), SrtpSender(keys)

    def _rekey(self, before: SrtpKeys, keys: SrtpKeys) -> None:
        """A direction keeps its rollover counter unless its key is another."""
        self._keys = keys
        if (keys.profile, keys.receive) != (before.profile, before.receive):
            self._receiver = SrtpReceiver(keys)
        if (keys.profile, keys.send) != (before.profile, before.send):
            self._sender = SrtpSender(keys)

    # ---- the client's packets --------------------------------------------------

    def _receive_dtls(
        self, dtls: DtlsSession, datagram: bytes, client: Address, now: float
    ) -> None:
        if not self.path.knows(client):
            self._drops[DropReason.NO_CALL] += 1
            return
        self.path.credit(len(datagram), client)
        dtls.receive(datagram, now)

    def _receive_media(
        self, kind: PacketKind, datagram: bytes, client: Address, now: float
    ) -> None:
        receiver = self._receiver
        if receiver is None:
            self._drops[DropReason.EARLY_MEDIA] += 1
        elif not receiver.authenticates and not self.path.knows(client):
            self._drops[DropReason.NO_CALL] += 1
        elif not self._accept(receiver, kind, datagram, client, now):
            self._drops[DropReason.SRTP_AUTHENTICATION] += 1

    def _accept(
        self, receiver: _Receiver, kind: PacketKind, datagram: bytes, client: Address, now: float
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
        self, receiver: _Receiver, datagram: bytes, client: Address, now: float
    ) -> None:
        packet = receiver.unprotect(datagram)
        if receiver.first:
            self._sources.note(int.from_bytes(packet[8:12], "big"))
        if receiver.newest:
            self._rtp_at = now
            if self.path.media_received(len(datagram), client, now):
                self._flush_path()
        self._listener.rtp_received(packet, now)

    def _accept_rtcp(
        self, receiver: _Receiver, datagram: bytes, client: Address, now: float
    ) -> None:
        packet = receiver.unprotect_rtcp(datagram)
        # RTCP is numbered apart from RTP, and may come late from where the client was.
        apart = self.path.rtcp != self.path.selected
        telling = apart or now - self._rtp_at > RTP_QUIET_S
        if receiver.newest and telling and self.path.rtcp_received(len(datagram), client, now):
            self._flush_path()
        self._listener.rtcp_received(packet, now)

    # ---- what leaves -----------------------------------------------------------

    def _send_media(self, packet: bytes, client: Address | None) -> None:
        if client is not None and not self._send_to(packet, client):
            self._drops[DropReason.UNVALIDATED_ALLOWANCE] += 1

    def _send_to(self, datagram: bytes, client: Address | None) -> bool:
        """Whether the limit of the address let it leave."""
        if client is None or not self.path.spend(len(datagram), client):
            return False
        self._send(datagram, client)
        return True

    def _flush_path(self) -> None:
        for datagram, client in self.path.take_datagrams():
            self._send(datagram, client)
