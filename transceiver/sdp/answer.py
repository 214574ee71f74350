"""The SDP answer to an offer."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.codec_attributes import codec_attributes, comfort_noise_attributes
from transceiver.sdp.data_section import SCTP_PORT
from transceiver.sdp.offer import Offer, Section
from transceiver.sdp.packet_time import DEFAULT_MS

MAX_MESSAGE_BYTES = 262144


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
    session_version: int = 1
    """Counts the answers of the call."""


def build_answer(offer: Offer, answer: AnswerParameters) -> str:
    """The SDP answer to `offer`."""
    lines = [
        "v=0",
        f"o=- {answer.session_id} {answer.session_version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {' '.join(offer.bundle)}"] if offer.bundle else []),
        "a=msid-semantic: WMS *",
    ]
    for index, section in enumerate(offer.sections):
        if index == offer.audio:
            lines += _audio(section, offer, answer)
        elif index == offer.data:
            lines += _data(section, offer, answer)
        else:
            lines += _rejection(section)
    return "".join(f"{line}\r\n" for line in lines)


def _audio(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
    direction = offer.direction.mirrored
    audio = offer.format
    formats = dict((*codec_attributes(audio), *comfort_noise_attributes(audio)))
    yield f"m=audio {answer.port} {section.profile} {' '.join(map(str, formats))}"
    yield from _transport(section, offer, answer)
    yield f"a={direction.value}"
    yield "a=rtcp-mux"
    yield from (f"a=extmap:{extension.answer()}" for extension in offer.extensions)
    for attributes in formats.values():
        yield from attributes
    if offer.format.transport_feedback:
        yield f"a=rtcp-fb:{offer.format.payload_type} transport-cc"
        yield "a=rtcp-rsize"
    if offer.format.frame_ms != DEFAULT_MS:
        yield f"a=ptime:{offer.format.frame_ms}"
    if direction.sends:
        yield "a=msid:antiphon agent"
        yield f"a=ssrc:{answer.ssrc} cname:{answer.cname}"
        yield f"a=ssrc:{answer.ssrc} msid:antiphon agent"


def _data(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
    yield f"m=application {answer.port} {section.profile} {section.formats}"
    yield from _transport(section, offer, answer)
    yield f"a=sctp-port:{SCTP_PORT}"
    yield f"a=max-message-size:{MAX_MESSAGE_BYTES}"


def _transport(section: Section, offer: Offer, answer: AnswerParameters) -> Iterator[str]:
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
