"""Offers of SIP phones as they sent them, and our side of the sessions with them."""

import itertools
from collections.abc import Callable
from pathlib import Path

from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.own_offers import LocalMedia

_VECTORS = Path(__file__).parents[2] / "vectors" / "sip_offers"

BARESIP = (_VECTORS / "baresip_rtp.sdp").read_text()
BARESIP_OPTIONAL_SRTP = (_VECTORS / "baresip_srtp.sdp").read_text()
BARESIP_DTLS_ICE = (_VECTORS / "baresip_dtls_srtp_ice.sdp").read_text()
LINPHONE = (_VECTORS / "linphone_rtp.sdp").read_text()
LINPHONE_SDES_ICE = (_VECTORS / "linphone_srtp_ice.sdp").read_text()
LINPHONE_DTLS = (_VECTORS / "linphone_dtls.sdp").read_text()

ALL = (
    BARESIP,
    BARESIP_OPTIONAL_SRTP,
    BARESIP_DTLS_ICE,
    LINPHONE,
    LINPHONE_SDES_ICE,
    LINPHONE_DTLS,
)

FINGERPRINT = Fingerprint("sha-256", bytes(32))
OURS = ("127.0.0.1", 3478)


def offer(*attributes: str, media: str = "m=audio 40000 RTP/AVP 0", host: str = "192.0.2.7") -> str:
    """One of a peer that says little."""
    lines = ["v=0", "o=- 1 1 IN IP4 x", "s=-", f"c=IN IP4 {host}", "t=0 0", media, *attributes]
    return "".join(f"{line}\r\n" for line in lines)


def counting_bytes() -> Callable[[int], bytes]:
    """Never the same twice."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(2, "big") * (size // 2) + bytes(size % 2)


def local(port: int = OURS[1], *, ice: bool = True) -> LocalMedia:
    numbers = itertools.count(1)

    def mint() -> IceCredentials:
        number = next(numbers)
        return IceCredentials(f"ufrag{port}{number:02}", f"{port}{number:02}".ljust(24, "p"))

    return LocalMedia((OURS[0], port), FINGERPRINT, mint, counting_bytes(), ice=ice)
