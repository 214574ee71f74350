"""What a SIP peer's offer or answer says of its media.

Of several audio sections the best protected one counts, of those the first with Opus, of the
rest the first with G.711. How it is protected, its keys say, not its profile alone: peers offer
keys under RTP/AVP, too (https://www.rfc-editor.org/rfc/rfc8643).
"""

from dataclasses import dataclass

from antiphon_proto.address import Address
from transceiver.audio.format import AudioFormat, Codec
from transceiver.fingerprint import DIGEST_BYTES, Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.audio_section import AudioSection, read_audio
from transceiver.sdp.crypto_attribute import Crypto, read_cryptos
from transceiver.sdp.description import MediaSection, SessionDescription
from transceiver.sdp.direction import Direction
from transceiver.sdp.header_extension import HeaderExtension
from transceiver.sdp.ice_candidate import read_candidates
from transceiver.sdp.media_address import media_address, rtcp_address
from transceiver.sdp.offer import MAX_OFFER_BYTES, Section, check_mids, find_bundle, named_section
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.payload_formats import PayloadFormats
from transceiver.sdp.transport_section import fingerprints, ice_credentials

_PLAIN = ("RTP/AVP", "RTP/AVPF")
_PROFILES = (*_PLAIN, "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")

_RANKS = (MediaSecurity.DTLS, MediaSecurity.SDES, MediaSecurity.NONE)

_DISCARD_PORT = 9
"""In the `m=` line of a peer whose candidates are still to come."""


@dataclass(frozen=True, slots=True)
class RemoteIce:
    """A peer's ICE. With `mismatch` something on the way wrote another address into its SDP,
    so that ICE is not used: https://www.rfc-editor.org/rfc/rfc8839#section-4.2.5"""

    credentials: IceCredentials
    lite: bool
    candidates: tuple[Address, ...]
    mismatch: bool


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """The audio section that counts, and which of all the sections it is."""

    sections: tuple[Section, ...]
    audio: int
    bundle: tuple[str, ...]
    direction: Direction
    """The peer's."""
    format: AudioFormat
    codecs: tuple[Codec, ...]
    """All of ours that it names, in its order."""
    extensions: tuple[HeaderExtension, ...]
    ssrcs: tuple[int, ...]
    address: Address | None
    """None where ICE finds it, and where the peer wants no media."""
    rtcp: Address | None
    multiplexed: bool
    ice: RemoteIce | None
    security: MediaSecurity
    cryptos: tuple[Crypto, ...]
    fingerprints: tuple[Fingerprint, ...]
    setup: str


def read_media(
    text: str, *, codec: Codec | None = None, answer: bool = False, ice: bool = True
) -> RemoteMedia:
    """Read an offer, or an `answer`, in which `ice` counts or not. Raises OfferError.

    `codec` is the wanted one, where it is there; else an answer's first counts.
    """
    if len(text) > MAX_OFFER_BYTES or len(text.encode(errors="replace")) > MAX_OFFER_BYTES:
        raise OfferError(OfferFault.TOO_LARGE, f"the SDP is over {MAX_OFFER_BYTES} bytes")
    description = SessionDescription.parse(text)
    check_mids(description.sections)
    audio, security, codecs = _choose(description.sections, codec, answer=answer)
    section = description.sections[audio.index]
    their_ice = _ice(description, section) if ice else None
    located = their_ice is None or their_ice.mismatch
    return RemoteMedia(
        sections=tuple(map(named_section, description.sections)),
        audio=audio.index,
        bundle=find_bundle(description, section.mid),
        direction=section.direction,
        format=audio.format,
        codecs=codecs,
        extensions=audio.extensions,
        ssrcs=audio.ssrcs,
        address=media_address(section) if located else None,
        rtcp=rtcp_address(section) if located else None,
        multiplexed="rtcp-mux" in section.attributes,
        ice=their_ice,
        security=security,
        cryptos=read_cryptos(section.attributes.all("crypto")),
        fingerprints=fingerprints(section) if security is MediaSecurity.DTLS else (),
        setup=_setup(section) if security is MediaSecurity.DTLS else "",
    )


_Choice = tuple[AudioSection, MediaSecurity, tuple[Codec, ...]]


def _choose(sections: tuple[MediaSection, ...], wanted: Codec | None, *, answer: bool) -> _Choice:
    audio = [
        (index, section)
        for index, section in enumerate(sections)
        if section.kind == "audio" and section.profile in _PROFILES and section.wanted
    ]
    if not audio:
        raise OfferError(OfferFault.NO_AUDIO, "the SDP has no audio over RTP")
    secured = [(index, section, _security(section)) for index, section in audio]
    choices = [
        (_read(index, section, wanted, answer=answer), security)
        for index, section, security in secured
        if security is not None
    ]
    if not choices:
        raise OfferError(OfferFault.NO_KEYS, "the SDP has SRTP without keys that can be used")
    found = [(*read, security) for read, security in choices if read is not None]
    if not found:
        raise OfferError(OfferFault.NO_CODEC, "the SDP has neither opus/48000/2 nor G.711")
    best, codecs, security = min(found, key=_rank)
    return best, security, codecs


def _rank(choice: tuple[AudioSection, tuple[Codec, ...], MediaSecurity]) -> tuple[int, bool]:
    audio, _codecs, security = choice
    return _RANKS.index(security), audio.format.codec is not Codec.OPUS


def _read(
    index: int, section: MediaSection, wanted: Codec | None, *, answer: bool
) -> tuple[AudioSection, tuple[Codec, ...]] | None:
    formats = PayloadFormats(section)
    codecs = dict(formats.codecs())
    if not codecs:
        return None
    if wanted not in codecs:
        wanted = Codec.OPUS if Codec.OPUS in codecs and not answer else next(iter(codecs))
    audio = read_audio(index, section, formats, wanted, codecs[wanted], telephone=True)
    return audio, tuple(codecs)


def _security(section: MediaSection) -> MediaSecurity | None:
    """None: it is to be protected, but by no keys that can be used."""
    values = section.all("fingerprint")
    if any(value.partition(" ")[0].lower() in DIGEST_BYTES for value in values):
        return MediaSecurity.DTLS
    if read_cryptos(section.attributes.all("crypto")):
        return MediaSecurity.SDES
    return MediaSecurity.NONE if section.profile in _PLAIN else None


def _setup(section: MediaSection) -> str:
    """https://www.rfc-editor.org/rfc/rfc4145#section-4.1: active where nothing is said."""
    setup = section.first("setup") or "active"
    if setup not in ("actpass", "active", "passive"):
        raise OfferError(OfferFault.MALFORMED, "a=setup is none that starts a call")
    return setup


def _ice(description: SessionDescription, section: MediaSection) -> RemoteIce | None:
    lines = section.attributes.all("candidate")
    options = (section.first("ice-options") or "").split()
    if section.first("ice-ufrag") is None or not (lines or "trickle" in options):
        return None
    candidates = read_candidates(lines)
    return RemoteIce(
        ice_credentials(section),
        "ice-lite" in description.attributes,
        candidates,
        mismatch=bool(candidates) and _mismatched(section, candidates),
    )


def _mismatched(section: MediaSection, candidates: tuple[Address, ...]) -> bool:
    """Whether the address for peers without ICE is none of the candidates."""
    if section.port in (0, _DISCARD_PORT):
        return False
    try:
        default = media_address(section)
    except OfferError:
        return False
    return default is not None and default not in candidates
