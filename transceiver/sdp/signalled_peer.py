"""What an offer says of its peer, before it is answered."""

from antiphon_proto.address import Address
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.media_address import parse_host
from transceiver.sdp.offer_error import OfferError
from transceiver.sdp.remote_media import read_media


def signalled_address(sdp: str) -> Address | None:
    """Where a peer without ICE wants its media; None with ICE, on hold, and for what is none."""
    try:
        return read_media(sdp).address
    except OfferError:
        return None


def offered_security(sdp: str) -> MediaSecurity:
    """How an offer's media is to be protected. Raises OfferError."""
    return read_media(sdp).security


def is_behind_nat(signalled: Address, came_from: str) -> bool:
    """Whether a peer whose signaling came from this host cannot be reached where it says.

    It may be elsewhere than its signaling, but not at a private address that is another one.
    """
    host, seen = parse_host(signalled[0]), parse_host(came_from)
    return host is not None and host != seen and not host.is_global
