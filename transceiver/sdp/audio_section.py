"""Which audio section of an offer a call uses, and in what format."""

import re
from dataclasses import dataclass, replace

from transceiver.audio.format import AudioFormat, Codec, HeaderExtensionIds, OpusPreferences
from transceiver.sdp.description import MediaSection
from transceiver.sdp.header_extension import (
    AUDIO_LEVEL,
    TRANSPORT_SEQUENCE,
    HeaderExtension,
    sent_extensions,
)
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.packet_time import frame_ms
from transceiver.sdp.payload_formats import PayloadFormats, opus_preferences

MAX_SSRCS = 8

_FEEDBACK_PROFILES = ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")
_PROFILES = (*_FEEDBACK_PROFILES, "UDP/TLS/RTP/SAVP", "RTP/SAVP")

# https://www.rfc-editor.org/rfc/rfc5576#section-4.1
_SSRC = re.compile(r"(\d{1,10}) ", re.ASCII)


@dataclass(frozen=True, slots=True)
class AudioSection:
    """The audio section to answer; `index` is its place in the offer."""

    index: int
    format: AudioFormat
    extensions: tuple[HeaderExtension, ...]
    ssrcs: tuple[int, ...]


def find_audio(sections: tuple[MediaSection, ...]) -> AudioSection:
    """The first section with Opus, or else the first with G.711. Raises OfferError."""
    usable = {
        index: PayloadFormats(section)
        for index, section in enumerate(sections)
        if section.kind == "audio" and section.profile in _PROFILES and section.wanted
    }
    if not usable:
        raise OfferError(OfferFault.NO_AUDIO, "the offer has no audio over DTLS-SRTP")
    coded = [
        (index, *chosen)
        for index, formats in usable.items()
        if (chosen := formats.codec()) is not None
    ]
    if not coded:
        raise OfferError(OfferFault.NO_CODEC, "the offer has neither opus/48000/2 nor G.711")
    index, codec, payload_type = min(coded, key=lambda each: each[1] is not Codec.OPUS)
    section = sections[index]
    if "rtcp-mux" not in section.attributes:
        raise OfferError(OfferFault.NO_RTCP_MUX, "the offer's audio lacks a=rtcp-mux")
    return read_audio(index, section, usable[index], codec, payload_type)


def read_audio(
    index: int,
    section: MediaSection,
    formats: PayloadFormats,
    codec: Codec,
    payload_type: int,
    *,
    telephone: bool = False,
) -> AudioSection:
    """What a section says of the codec that was chosen of its formats.

    A `telephone` presses keys.
    """
    red = formats.redundant(payload_type) if codec is Codec.OPUS else None
    feedback = red is None and _offers_transport_feedback(section, payload_type)
    extensions = _extensions(section, with_sequence=feedback)
    audio = _format(section, formats, codec, payload_type, red, extensions)
    event = formats.telephone_event(codec.clock_rate) if telephone else None
    if event is not None:
        audio = replace(audio, telephone_event_payload_type=event[0], telephone_event_rate=event[1])
    return AudioSection(
        index,
        audio,
        tuple(extensions.values()),
        _ssrcs(section),
    )


def _format(
    section: MediaSection,
    formats: PayloadFormats,
    codec: Codec,
    payload_type: int,
    red: int | None,
    extensions: dict[str, HeaderExtension],
) -> AudioFormat:
    parameters = formats.parameters(payload_type)
    level, sequence = extensions.get(AUDIO_LEVEL), extensions.get(TRANSPORT_SEQUENCE)
    is_opus = codec is Codec.OPUS
    return AudioFormat(
        codec=codec,
        payload_type=payload_type,
        red_payload_type=red,
        comfort_noise_payload_type=None if is_opus else formats.comfort_noise(),
        frame_ms=frame_ms(section, parameters),
        extensions=HeaderExtensionIds(
            audio_level=level.id if level else None,
            transport_sequence=sequence.id if sequence else None,
        ),
        transport_feedback=sequence is not None,
        opus=opus_preferences(parameters) if is_opus else OpusPreferences(),
    )


def _extensions(section: MediaSection, *, with_sequence: bool) -> dict[str, HeaderExtension]:
    """Those that we read; transport-wide sequence numbers only where feedback is to follow.

    Not where redundant audio is sent: Chromium would flood a lossy path with padding
    (docs/decisions/0022-feedback-or-redundancy.md).
    """
    sent = sent_extensions(section)
    read = [AUDIO_LEVEL, TRANSPORT_SEQUENCE] if with_sequence else [AUDIO_LEVEL]
    return {uri: sent[uri] for uri in read if uri in sent}


def _offers_transport_feedback(section: MediaSection, payload_type: int) -> bool:
    """https://www.rfc-editor.org/rfc/rfc4585#section-4.2

    It is sent alone, not in a compound: https://www.rfc-editor.org/rfc/rfc5506#section-5
    """
    if section.profile not in _FEEDBACK_PROFILES or "rtcp-rsize" not in section.attributes:
        return False
    offered = [value.split() for value in section.attributes.all("rtcp-fb")]
    return any([target, "transport-cc"] in offered for target in ("*", str(payload_type)))


def _ssrcs(section: MediaSection) -> tuple[int, ...]:
    found = {
        int(match[1]): None
        for match in map(_SSRC.match, section.attributes.all("ssrc"))
        if match and int(match[1]) < 1 << 32
    }
    return tuple(found)[:MAX_SSRCS]
