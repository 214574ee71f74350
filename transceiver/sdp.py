"""What a call's SDP offer asks for, and the answer to it (RFC 8866, RFC 8829).

One audio section with Opus and at most one data channel section are answered, in
one bundle on one transport; every other section is rejected with port zero.
"""

import enum
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

import aiortc.sdp
from aiortc import RTCDtlsParameters

from transceiver.audio.format import AudioFormat, Codec
from transceiver.fingerprint import DIGEST_BYTES, Fingerprint, FingerprintError
from transceiver.ice import IceCredentials

MAX_OFFER_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 262144
MAX_SSRCS = 8
SCTP_PORT = 5000

# The attributes that decide the answer. The rest (candidates, feedback, formats of
# codecs that are not ours) is not handed to the parser, which would fail on the
# whole offer for one malformed line of it.
_RELEVANT_ATTRIBUTES = frozenset(
    (
        "group",
        "mid",
        "setup",
        "fingerprint",
        "ice-ufrag",
        "ice-pwd",
        "ice-lite",
        "rtcp-mux",
        "rtpmap",
        "sctp-port",
        "max-message-size",
        "sendrecv",
        "sendonly",
        "recvonly",
        "inactive",
    )
)
_AUDIO_PROFILES = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP")
_DATA_PROFILE = "UDP/DTLS/SCTP"
_DATA_FORMAT = "webrtc-datachannel"

# https://www.rfc-editor.org/rfc/rfc8866#section-9 and https://www.rfc-editor.org/rfc/rfc8839#section-5.4
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,64}")
_ICE_UFRAG = re.compile(r"[0-9A-Za-z+/]{4,256}")
_ICE_PASSWORD = re.compile(r"[0-9A-Za-z+/]{22,256}")

_RED = re.compile(r"a=rtpmap:(\d{1,3}) red/48000(?:/2)?", re.ASCII | re.IGNORECASE)

# https://www.rfc-editor.org/rfc/rfc5576#section-4.1
_SSRC = re.compile(r"a=ssrc:(\d{1,10}) ", re.ASCII)


class OfferFault(enum.Enum):
    """Why an offer cannot be answered; the value is the API's error code."""

    TOO_LARGE = "sdp_too_large"
    MALFORMED = "invalid_sdp"
    NO_AUDIO = "sdp_without_audio"
    NO_OPUS = "sdp_without_opus"
    NO_RTCP_MUX = "sdp_without_rtcp_mux"
    NO_ICE_CREDENTIALS = "sdp_without_ice_credentials"
    ICE_LITE = "sdp_with_ice_lite"
    NO_FINGERPRINT = "sdp_without_fingerprint"
    NO_SETUP = "sdp_without_setup"


class OfferError(ValueError):
    """An offer that cannot be answered, as the fields of an API error."""

    param = "sdp"

    def __init__(self, fault: OfferFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message

    @property
    def code(self) -> str:
        return self.fault.value


class Direction(enum.Enum):
    """Which way media flows, from the side of whoever says it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def mirrored(self) -> "Direction":
        """The same flow from the other side."""
        return _MIRRORED.get(self, self)

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)


_MIRRORED = {
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
}


@dataclass(frozen=True, slots=True)
class Section:
    """An `m=` line of the offer; `mid` is empty when it has none."""

    kind: str
    profile: str
    formats: str
    mid: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an offer matters to us; `audio` and `data` are indexes into `sections`."""

    sections: tuple[Section, ...]
    bundle: tuple[str, ...]
    """The mids that we accept, in the order of the offer's BUNDLE group."""
    audio: int
    direction: Direction
    """The client's: see `Direction.mirrored`."""
    format: AudioFormat
    ssrcs: tuple[int, ...]
    """The RTP sources that the audio section names, at most MAX_SSRCS; clients need not."""
    data: int | None
    sctp_port: int
    max_message_bytes: int
    """The longest message that the client takes; 0 is any."""
    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    dtls_client: bool
    """Whether we take the DTLS client's role, `a=setup:active`."""


@dataclass(frozen=True, slots=True)
class AnswerParameters:
    """Our side of the session. `host` is an IP address, the relay's public one."""

    ice: IceCredentials
    host: str
    port: int
    fingerprint: Fingerprint
    ssrc: int
    cname: str
    session_id: int


def parse_offer(text: str) -> Offer:
    """Read an offer from any WebRTC client. Raises OfferError."""
    if len(text) > MAX_OFFER_BYTES or len(text.encode(errors="replace")) > MAX_OFFER_BYTES:
        raise OfferError(OfferFault.TOO_LARGE, f"the offer is over {MAX_OFFER_BYTES} bytes")
    lines = [line.strip() for line in text.splitlines()]
    description = _parse(lines)
    if any(media.ice and media.ice.iceLite for media in description.media):
        raise OfferError(OfferFault.ICE_LITE, "an ICE lite client cannot be reached")
    usable = _usable(lines)
    audio, opus_payload_type = _find_audio(description.media, usable)
    bundle = _bundle(description, audio)
    data = _find_data(description.media, usable, bundle)
    accepted = [description.media[index] for index in (audio, data) if index is not None]
    bundle = tuple(mid for mid in bundle if any(mid == media.rtp.muxId for media in accepted))
    transport = _transport(accepted, bundle)
    ice, dtls = _ice(transport), _dtls(transport)
    return Offer(
        sections=tuple(_section(media) for media in description.media),
        bundle=bundle,
        audio=audio,
        direction=Direction(description.media[audio].direction or "sendrecv"),
        format=AudioFormat(
            codec=Codec.OPUS,
            payload_type=opus_payload_type,
            red_payload_type=_red_payload_type(lines, audio, opus_payload_type),
        ),
        ssrcs=_ssrcs(lines, audio),
        data=data,
        sctp_port=_sctp_port(description.media, data),
        max_message_bytes=_max_message_bytes(description.media, data),
        ice=ice,
        fingerprints=_fingerprints(dtls),
        # Active if it may be: the handshake then leaves with the first check.
        dtls_client=dtls.role != "client",
    )


def build_answer(offer: Offer, answer: AnswerParameters) -> str:
    """The SDP answer to `offer`."""
    lines = [
        "v=0",
        f"o=- {answer.session_id} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {' '.join(offer.bundle)}"] if offer.bundle else []),
        "a=msid-semantic: WMS *",
    ]
    for index, section in enumerate(offer.sections):
        if index == offer.audio:
            lines += _audio_answer(section, offer, answer)
        elif index == offer.data:
            lines += _data_answer(section, offer, answer)
        else:
            lines += _rejection(section)
    return "".join(f"{line}\r\n" for line in lines)


def _parse(lines: list[str]) -> aiortc.sdp.SessionDescription:
    if not lines or lines[0] != "v=0":
        raise OfferError(OfferFault.MALFORMED, "the offer does not start with v=0")
    if not all(line.isascii() for line in lines if line.startswith("m=")):
        # The answer repeats these lines.
        raise OfferError(OfferFault.MALFORMED, "the offer's m= lines are not ASCII")
    kept = [line for line in lines if _is_relevant(line)]
    try:
        description = aiortc.sdp.SessionDescription.parse("\r\n".join(kept))
    except Exception as error:  # What the parser raises is undocumented: KeyError, assertions...
        raise OfferError(OfferFault.MALFORMED, "the offer is not well-formed SDP") from error
    mids = [media.rtp.muxId for media in description.media if media.rtp.muxId]
    if len(set(mids)) != len(mids) or not all(_TOKEN.fullmatch(mid) for mid in mids):
        raise OfferError(OfferFault.MALFORMED, "the offer's mids are not unique tokens")
    return description


def _is_relevant(line: str) -> bool:
    if line.startswith("a="):
        return line[2:].partition(":")[0] in _RELEVANT_ATTRIBUTES
    return line.startswith(("v=", "t=", "m="))


def _usable(lines: list[str]) -> list[bool]:
    """Per section, whether the offerer wants it: its port is not zero, or it is bundle-only."""
    usable: list[bool] = []
    for line in lines:
        if line.startswith("m="):
            usable.append(line.split()[1:2] != ["0"])
        elif usable and line == "a=bundle-only":
            usable[-1] = True
    return usable


def _find_audio(media: list[aiortc.sdp.MediaDescription], usable: list[bool]) -> tuple[int, int]:
    """The index of the audio section to answer, and its payload type for Opus."""
    audio = [
        (index, _opus_payload_type(section))
        for index, section in enumerate(media)
        if section.kind == "audio" and section.profile in _AUDIO_PROFILES and usable[index]
    ]
    if not audio:
        raise OfferError(OfferFault.NO_AUDIO, "the offer has no audio over DTLS-SRTP")
    for index, payload_type in audio:
        if payload_type is None:
            continue
        if not media[index].rtcp_mux:
            raise OfferError(OfferFault.NO_RTCP_MUX, "the offer's audio lacks a=rtcp-mux")
        return index, payload_type
    raise OfferError(OfferFault.NO_OPUS, "the offer has no opus/48000/2")


def _opus_payload_type(media: aiortc.sdp.MediaDescription) -> int | None:
    for codec in media.rtp.codecs:
        name = codec.mimeType.lower()
        if name == "audio/opus" and codec.clockRate == 48000 and codec.payloadType in media.fmt:
            return codec.payloadType
    return None


def _red_payload_type(lines: list[str], audio: int, opus: int) -> int | None:
    """https://www.rfc-editor.org/rfc/rfc2198#section-5

    A client need not say which formats redundant audio is of; then it is of the first.
    """
    section = _section_lines(lines, audio)
    for line in section:
        match = _RED.fullmatch(line)
        if match is None or match[1] not in section[0].split()[3:]:
            continue
        formats = [each for each in section if each.startswith(f"a=fmtp:{match[1]} ")]
        if all(set(each.partition(" ")[2].split("/")) == {str(opus)} for each in formats):
            return int(match[1])
    return None


def _section_lines(lines: list[str], wanted: int) -> list[str]:
    """The lines of one section, its m= line first."""
    starts = [at for at, line in enumerate(lines) if line.startswith("m=")]
    return lines[starts[wanted] : [*starts, len(lines)][wanted + 1]]


def _ssrcs(lines: list[str], audio: int) -> tuple[int, ...]:
    """Read here, as the parser fails on the whole offer for one malformed line."""
    found: dict[int, None] = {}
    for line in _section_lines(lines, audio):
        match = _SSRC.match(line)
        if match and int(match[1]) < 1 << 32:
            found[int(match[1])] = None
    return tuple(found)[:MAX_SSRCS]


def _bundle(description: aiortc.sdp.SessionDescription, audio: int) -> tuple[str, ...]:
    """The mids that share the audio's transport; empty when it is in no BUNDLE group."""
    mid = description.media[audio].rtp.muxId
    for group in description.group:
        if group.semantic == "BUNDLE" and mid in group.items:
            return tuple(dict.fromkeys(str(item) for item in group.items))
    return ()


def _find_data(
    media: list[aiortc.sdp.MediaDescription], usable: list[bool], bundle: tuple[str, ...]
) -> int | None:
    """The data channel section on the audio's transport: we have no other."""
    for index, section in enumerate(media):
        is_data = section.profile == _DATA_PROFILE and section.fmt == [_DATA_FORMAT]
        if is_data and usable[index] and section.rtp.muxId in bundle:
            return index
    return None


def _transport(
    accepted: list[aiortc.sdp.MediaDescription], bundle: tuple[str, ...]
) -> aiortc.sdp.MediaDescription:
    """The section whose ICE and DTLS attributes count.

    It is the first accepted one of the BUNDLE group
    (https://www.rfc-editor.org/rfc/rfc9143#section-7.3.1).
    """
    for media in accepted:
        if bundle and media.rtp.muxId == bundle[0]:
            return media
    return accepted[0]


def _ice(media: aiortc.sdp.MediaDescription) -> IceCredentials:
    ufrag = (media.ice and media.ice.usernameFragment) or ""
    password = (media.ice and media.ice.password) or ""
    if not (_ICE_UFRAG.fullmatch(ufrag) and _ICE_PASSWORD.fullmatch(password)):
        reason = "the offer lacks a valid ice-ufrag or ice-pwd"
        raise OfferError(OfferFault.NO_ICE_CREDENTIALS, reason)
    return IceCredentials(ufrag, password)


def _dtls(media: aiortc.sdp.MediaDescription) -> RTCDtlsParameters:
    if media.dtls is None:
        raise OfferError(OfferFault.NO_SETUP, "the offer lacks a=setup")
    return media.dtls


def _fingerprints(dtls: RTCDtlsParameters) -> tuple[Fingerprint, ...]:
    try:
        fingerprints = tuple(
            Fingerprint.parse(given.algorithm, given.value)
            for given in dtls.fingerprints
            if given.algorithm.lower() in DIGEST_BYTES
        )
    except FingerprintError as error:
        raise OfferError(OfferFault.NO_FINGERPRINT, str(error)) from error
    if not fingerprints:
        raise OfferError(OfferFault.NO_FINGERPRINT, "the offer lacks a SHA-2 a=fingerprint")
    return fingerprints


def _sctp_port(media: list[aiortc.sdp.MediaDescription], data: int | None) -> int:
    port = media[data].sctp_port if data is not None else None
    if port is not None and not 0 < port <= 65535:
        raise OfferError(OfferFault.MALFORMED, "the offer's sctp-port is out of range")
    return port or SCTP_PORT


def _max_message_bytes(media: list[aiortc.sdp.MediaDescription], data: int | None) -> int:
    capabilities = media[data].sctpCapabilities if data is not None else None
    # https://www.rfc-editor.org/rfc/rfc8841#section-6.1: 64K when absent.
    return max(0, capabilities.maxMessageSize) if capabilities else 65536


def _section(media: aiortc.sdp.MediaDescription) -> Section:
    formats = " ".join(str(format_) for format_ in media.fmt)
    return Section(media.kind, media.profile, formats, media.rtp.muxId or "")


def _audio_answer(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
    direction = offer.direction.mirrored
    opus, red = offer.format.payload_type, offer.format.red_payload_type
    # The first format is the one that the client sends.
    formats = f"{opus}" if red is None else f"{red} {opus}"
    yield f"m=audio {answer.port} {section.profile} {formats}"
    yield from _transport_answer(section, offer, answer)
    yield f"a={direction.value}"
    yield "a=rtcp-mux"
    if red is not None:
        yield f"a=rtpmap:{red} red/48000/2"
        yield f"a=fmtp:{red} {opus}/{opus}"
    yield f"a=rtpmap:{opus} opus/48000/2"
    yield f"a=fmtp:{opus} minptime=10;useinbandfec=1"
    if direction.sends:
        yield "a=msid:antiphon agent"
        yield f"a=ssrc:{answer.ssrc} cname:{answer.cname}"
        yield f"a=ssrc:{answer.ssrc} msid:antiphon agent"


def _data_answer(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
    yield f"m=application {answer.port} {section.profile} {section.formats}"
    yield from _transport_answer(section, offer, answer)
    yield f"a=sctp-port:{SCTP_PORT}"
    yield f"a=max-message-size:{MAX_MESSAGE_BYTES}"


def _transport_answer(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
    version = ipaddress.ip_address(answer.host).version
    yield f"c=IN IP{version} {answer.host}"
    if section.mid:
        yield f"a=mid:{section.mid}"
    yield f"a=ice-ufrag:{answer.ice.ufrag}"
    yield f"a=ice-pwd:{answer.ice.password}"
    yield f"a=fingerprint:{answer.fingerprint}"
    yield f"a=setup:{'active' if offer.dtls_client else 'passive'}"
    yield f"a=candidate:1 1 udp 2130706431 {answer.host} {answer.port} typ host"
    yield "a=end-of-candidates"


def _rejection(section: Section) -> Iterator[str]:
    """https://www.rfc-editor.org/rfc/rfc3264#section-6"""
    yield f"m={section.kind} 0 {section.profile} {section.formats}"
    yield "c=IN IP4 0.0.0.0"
    if section.mid:
        yield f"a=mid:{section.mid}"
    yield "a=inactive"
