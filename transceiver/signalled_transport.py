"""A SIP call's transport: where and how its offers and answers say."""

from collections import Counter
from collections.abc import Callable

from antiphon_proto.address import Address
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate
from transceiver.ice import IceRejection
from transceiver.media_transport import MediaTransport, SendDatagram, TransportListener
from transceiver.sdp.agreed_media import AgreedMedia


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
        raise NotImplementedError

    def follow(self, agreed: AgreedMedia, now: float) -> None:
        """Go on as a later offer and answer agreed: elsewhere, by other keys, or on hold."""
        raise NotImplementedError
