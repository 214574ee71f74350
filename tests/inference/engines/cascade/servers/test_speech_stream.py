"""Bytes of a speech server to samples, wherever they are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.servers.speech_stream import SpeechStream, SpeechStreamError
from inference.engines.cascade.servers.wav import wav_file

SAMPLES = (8000 * np.sin(np.arange(4800) / 8)).astype("<i2")
PCM = SAMPLES.tobytes()


def converted(
    data: bytes, content_type: str = "audio/pcm", rate: int = 24_000, cut: int = 0
) -> bytes:
    stream = SpeechStream(content_type, rate)
    given = [stream.push(part) for part in (data[:cut], data[cut:])]
    return b"".join([*given, stream.finish()])


@given(st.integers(0, len(PCM)), st.booleans())
def test_it_does_not_matter_where_the_bytes_are_cut(cut: int, file: bool) -> None:
    data = wav_file(PCM, 24_000) if file else PCM
    assert converted(data, cut=cut)[-4000:] == PCM[-4000:]


def test_silence_before_the_speech_is_taken_off() -> None:
    stream = SpeechStream("", 24_000)
    pcm = stream.push(bytes(48_000) + PCM) + stream.finish()
    assert len(pcm) == pytest.approx(len(PCM), abs=200)
    assert stream.received_s == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("content_type", "rate", "samples"),
    [
        ("audio/pcm", 24_000, 4800),
        ("audio/pcm; rate=48000", 24_000, 2400),
        ("audio/L16;rate=16000;channels=1", 24_000, 7200),
        ("application/octet-stream", 8_000, 14_400),
        ("nonsense", 24_000, 4800),
    ],
)
def test_rates(content_type: str, rate: int, samples: int) -> None:
    assert len(converted(PCM, content_type, rate)) // 2 == pytest.approx(samples, abs=60)


@pytest.mark.parametrize("content_type", ["text/html", "audio/mpeg", "application/json"])
def test_types_that_are_no_samples(content_type: str) -> None:
    with pytest.raises(SpeechStreamError):
        SpeechStream(content_type, 24_000)


@pytest.mark.parametrize(
    "data", [b"ID3\x04", b"OggS\0", b"<!DOCTYPE", b"RIFF", b"RIFF\0\0\0\0AVI "]
)
def test_bytes_that_are_no_samples(data: bytes) -> None:
    with pytest.raises(SpeechStreamError):
        converted(data)


@given(st.binary(max_size=100), st.integers(0, 100))
def test_anything(data: bytes, cut: int) -> None:
    try:
        converted(data, cut=cut)
    except SpeechStreamError:
        return
