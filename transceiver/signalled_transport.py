"""A SIP call's transport: where and how its offers and answers say."""

from collections import Counter
from collections.abc import Callable

from antiphon_proto.address import Address
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent, IceRejection
from transceiver.latched_path import LatchedPath
from transceiver.media_transport import (
    MediaTransport,
    Protection,
    SendDatagram,
    TransportListener,
)
from transceiver.sdp.agreed_media import AgreedMedia
from transceiver.signalled_path import SignalledPath

_Path = IceAgent | SignalledPath | LatchedPath


class SignalledTransport(MediaTransport):
    """Over ICE or to a signalled address; plain, by signalled keys or by DTLS.

    Nothing is sent before the first `tick`. With `latch` the peer is behind a leased port of
    the relay: it is where its first acceptable packet came from, which `latch` is told of.
    """

    def __init__(
        self,
        agreed: AgreedMedia,
        *,
        certificate: DtlsCertificate,
        random_bytes: Callable[[int], bytes],
        listener: TransportListener,
        send: SendDatagram,
        drops: Counter[DropReason],
        rejections: Counter[IceRejection],
        now: float,
        latch: Callable[[Address], None] | None = None,
    ) -> None:
        self._agreed = agreed
        self._certificate = certificate
        self._random_bytes = random_bytes
        self._rejections = rejections
        self._latch = latch
        self._way = self._make_way(agreed, now)
        super().__init__(
            self._way,
            self._protection(agreed),
            listener=listener,
            send=send,
            drops=drops,
            sources=_sources(agreed),
        )
        self._expect(now)

    def follow(self, agreed: AgreedMedia, now: float) -> None:
        """Go on as a later offer and answer agreed: elsewhere, by other keys, or on hold."""
        before, self._agreed = self._agreed, agreed
        if not self._led(self._way, before, agreed, now):
            self._way = self._make_way(agreed, now)
            self.use_path(self._way)
        if (before.keys, before.dtls) != (agreed.keys, agreed.dtls):
            self.secure(self._protection(agreed))
        self.name_sources(_sources(agreed))
        self._expect(now)

    def send_rtcp(self, packet: bytes) -> None:
        if self._agreed.reported:
            super().send_rtcp(packet)

    def _led(self, way: _Path, before: AgreedMedia, agreed: AgreedMedia, now: float) -> bool:
        """Lead the present way to where the peer says it is, if it can follow."""
        if isinstance(way, IceAgent):
            ice = agreed.ice
            if ice is None:
                return False
            way.negotiate(ice.remote, lambda: ice.local, now, ice.candidates)
        elif isinstance(way, LatchedPath):
            if agreed.remote != before.remote:
                way.release()
        else:
            if agreed.ice is not None:
                return False
            way.move(agreed.remote, agreed.remote_rtcp, now)
        return True

    def _make_way(self, agreed: AgreedMedia, now: float) -> _Path:
        if self._latch is not None:
            return LatchedPath(self._latch)
        if agreed.ice is None:
            return SignalledPath(agreed.remote, agreed.remote_rtcp, now)
        return IceAgent(
            agreed.ice.local,
            agreed.ice.remote,
            random_bytes=self._random_bytes,
            rejections=self._rejections,
            controlling=agreed.ice.controlling,
            candidates=agreed.ice.candidates,
        )

    def _protection(self, agreed: AgreedMedia) -> Protection:
        if agreed.dtls is None:
            return agreed.keys
        dtls = agreed.dtls
        return DtlsEndpoint(self._certificate, dtls.fingerprints, client=dtls.client)

    def _expect(self, now: float) -> None:
        if isinstance(self._way, LatchedPath):
            self._way.ready |= self._agreed.remote is not None
        if not isinstance(self._way, IceAgent):
            self._way.expect(self._agreed.direction.receives, now)


def _sources(agreed: AgreedMedia) -> tuple[int, ...]:
    """By which the peer may be found elsewhere: not where anybody could write them."""
    return agreed.sources if agreed.security.encrypted else ()
