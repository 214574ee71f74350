"""What we offer of ourselves."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto.address import Address
from transceiver.audio.format import Codec
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.agreed_media import AgreedMedia, MediaSecurity
from transceiver.sdp.crypto_attribute import Crypto
from transceiver.sdp.direction import Direction
from transceiver.sdp.local_description import LocalDescription
from transceiver.sdp.offer import Section
from transceiver.sdp.offered_formats import FORMATS, with_others
from transceiver.sdp.remote_media import RemoteMedia
from transceiver.srtp import SrtpProfile

_PROFILES = {
    MediaSecurity.NONE: "RTP/AVP",
    MediaSecurity.SDES: "RTP/SAVP",
    MediaSecurity.DTLS: "UDP/TLS/RTP/SAVPF",
}

_OFFERED_SUITES = (
    SrtpProfile.AES128_CM_SHA1_80,
    SrtpProfile.AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM,
)
"""The first is what every peer has: https://www.rfc-editor.org/rfc/rfc4568#section-6.2"""


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our side of a session, the same in all its offers and answers."""

    address: Address
    """An IP address and a port, the relay's public ones or those of a leased port."""
    fingerprint: Fingerprint
    mint: Callable[[], IceCredentials]
    random_bytes: Callable[[int], bytes]
    """n unpredictable bytes: for keys, and for the number in `o=`."""
    ice: bool = True
    """Whether peers find us by ICE, where they have it; not at a leased port, where the peer's
    packets have to come first, those of DTLS too."""


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """What our own first offer is to have."""

    security: MediaSecurity = MediaSecurity.NONE
    ice: bool = False
    codecs: tuple[Codec, ...] = (Codec.OPUS, Codec.PCMU, Codec.PCMA)
    """The most wanted first."""


def first_offer(local: LocalMedia, offered: OfferedMedia) -> LocalDescription:
    """All that `offered` says."""
    ice = local.mint() if offered.ice and local.ice else None
    dtls = offered.security is MediaSecurity.DTLS
    browser = dtls and ice is not None
    suites = _OFFERED_SUITES if offered.security is MediaSecurity.SDES else ()
    section = Section("audio", _PROFILES[offered.security], "", "0" if browser else "")
    return LocalDescription(
        address=local.address,
        sections=(section,),
        audio=0,
        formats=tuple(FORMATS[codec] for codec in offered.codecs),
        direction=Direction.SENDRECV,
        bundled=browser,
        ice=ice,
        cryptos=tuple(new_crypto(local, tag, each) for tag, each in enumerate(suites, 1)),
        fingerprint=local.fingerprint if dtls else None,
        setup="actpass",
    )


def later_offer(
    local: LocalMedia, offered: OfferedMedia, agreed: AgreedMedia, theirs: RemoteMedia
) -> LocalDescription:
    """All that we can, in the session as it is; but one codec, if the peer left that open."""
    keys = agreed.keys
    others = () if agreed.codecs_open else offered.codecs
    return LocalDescription(
        address=local.address,
        sections=theirs.sections,
        audio=theirs.audio,
        formats=with_others(agreed.format, others),
        direction=Direction.SENDRECV,
        bundled=bool(theirs.bundle),
        ice=agreed.ice.local if agreed.ice else None,
        cryptos=(Crypto(1, keys.profile, keys.send),) if keys else (),
        fingerprint=local.fingerprint if agreed.dtls else None,
        setup="actpass",
        extensions=theirs.extensions,
    )


def new_crypto(local: LocalMedia, tag: int, profile: SrtpProfile) -> Crypto:
    """A key of ours that was never used."""
    length = profile.key_length + profile.salt_length
    return Crypto(tag, profile, local.random_bytes(length))
