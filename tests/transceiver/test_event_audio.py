"""Audio in events, both ways, in each of the API's formats."""

import math
from itertools import pairwise

import numpy as np
import pytest

from antiphon_proto.realtime.audio_format import AudioFormat, Pcm, Pcma, Pcmu
from transceiver.event_audio import EventAudioDecoder, EventAudioEncoder, bytes_per_s

FORMATS = [Pcm(), Pcmu(), Pcma()]
RATES = [8_000, 16_000, 24_000, 48_000]


def tone(rate: int, seconds: float = 0.4) -> bytes:
    times = np.arange(round(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()


def pitch(pcm: bytes, rate: int) -> float:
    """Of a tone without its edges, by its zero crossings."""
    samples = np.frombuffer(pcm, "<i2").astype(int)[rate // 20 : -rate // 20]
    rising = [i for i, (a, b) in enumerate(pairwise(samples)) if a < 0 <= b]
    return (len(rising) - 1) * rate / (rising[-1] - rising[0])


def sliced(audio: bytes, size: int) -> list[bytes]:
    return [audio[start : start + size] for start in range(0, len(audio), size)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda each: type(each).__name__)
def test_a_tone_goes_out_and_comes_in_again(audio_format: AudioFormat, rate: int) -> None:
    encoder, decoder = EventAudioEncoder(rate), EventAudioDecoder(rate)
    frame = rate // 50 * 2
    sent = b"".join(encoder.encode(audio_format, 1, each) for each in sliced(tone(rate), frame))
    assert len(sent) == round(0.4 * bytes_per_s(audio_format))
    heard = b"".join(
        decoder.decode(audio_format, each) for each in sliced(sent, bytes_per_s(audio_format) // 10)
    )
    assert len(heard) == len(tone(rate))
    assert pitch(heard, rate) == pytest.approx(440, rel=0.01)


def test_audio_may_end_within_a_sample() -> None:
    whole, split = EventAudioDecoder(16_000), EventAudioDecoder(16_000)
    audio = tone(24_000)
    pieces = sliced(audio, 1001)
    expected = b"".join(whole.decode(Pcm(), each) for each in sliced(audio, 960))
    assert b"".join(split.decode(Pcm(), each) for each in pieces) == expected


def test_a_format_that_changes_begins_another_stream() -> None:
    decoder = EventAudioDecoder(8_000)
    decoder.decode(Pcm(), b"\x01")
    silence = decoder.decode(Pcmu(), b"\xff" * 160)
    assert len(silence) == 320
    assert max(abs(np.frombuffer(silence, "<i2"))) < 10


def test_a_response_has_nothing_of_the_one_before() -> None:
    encoder = EventAudioEncoder(16_000)
    encoder.encode(Pcm(), 1, tone(16_000))
    assert encoder.encode(Pcm(), 2, bytes(640)) == bytes(960)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_responses_that_are_given_at_once_do_not_disturb_each_other(
    audio_format: AudioFormat,
) -> None:
    pieces = [tone(16_000)[at : at + 640] for at in range(0, 6400, 640)]
    alone, beside = EventAudioEncoder(16_000), EventAudioEncoder(16_000)
    for piece in pieces:
        encoded = alone.encode(audio_format, 1, piece)
        beside.encode(audio_format, 2, bytes(640))
        assert beside.encode(audio_format, 1, piece) == encoded


def test_a_format_has_its_bytes_a_second() -> None:
    assert [bytes_per_s(each) for each in FORMATS] == [48_000, 8_000, 8_000]
    assert math.isclose(len(tone(24_000)) / bytes_per_s(Pcm()), 0.4)
