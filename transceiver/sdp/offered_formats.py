"""The audio formats of our own offers, and their payload types."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from transceiver.audio.format import AudioFormat, Codec

FORMATS = {
    Codec.OPUS: AudioFormat(
        Codec.OPUS, 111, telephone_event_payload_type=110, telephone_event_rate=48000
    ),
    Codec.PCMU: AudioFormat(
        Codec.PCMU, 0, comfort_noise_payload_type=13, telephone_event_payload_type=101
    ),
    Codec.PCMA: AudioFormat(
        Codec.PCMA, 8, comfort_noise_payload_type=13, telephone_event_payload_type=101
    ),
}
"""Of first offers."""

_DYNAMIC = range(96, 128)


def with_others(agreed: AudioFormat, codecs: Iterable[Codec]) -> tuple[AudioFormat, ...]:
    """The agreed format, and behind it those of other codecs under numbers of their own.

    Numbers keep their meaning in a session: https://www.rfc-editor.org/rfc/rfc3264#section-8.3.2
    """
    formats = [agreed]
    events = {agreed.telephone_event_rate: agreed.telephone_event_payload_type}
    used = set(_payload_types(agreed))
    for codec in codecs:
        if codec is agreed.codec:
            continue
        other = FORMATS[codec]
        event = events.get(other.telephone_event_rate)
        if event is None:
            event = _free(other.telephone_event_payload_type, used)
            events[other.telephone_event_rate] = event
        used.add(event)
        primary = _free(other.payload_type, used)
        used.add(primary)
        formats.append(replace(other, payload_type=primary, telephone_event_payload_type=event))
    return tuple(formats)


def _payload_types(audio: AudioFormat) -> Iterator[int]:
    for each in (
        audio.payload_type,
        audio.red_payload_type,
        audio.comfort_noise_payload_type,
        audio.telephone_event_payload_type,
    ):
        if each is not None:
            yield each


def _free(wanted: int | None, used: set[int]) -> int:
    """`wanted`, unless it is used."""
    candidates = _DYNAMIC if wanted is None else (wanted, *_DYNAMIC)
    return next(each for each in candidates if each not in used)
