import wave
from pathlib import Path

import numpy as np
import pytest

from antiphon.wav import RATE, WavError, read_wav, write_wav


def tone(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(
        "<i2"
    )


def write_any(path: Path, samples: np.ndarray, rate: int, channels: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    samples = tone(RATE, 0.5)
    write_wav(tmp_path / "a.wav", samples)
    assert np.array_equal(read_wav(tmp_path / "a.wav"), samples)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channel_count_becomes_mono_at_the_call_rate(
    tmp_path: Path, rate: int, channels: int
) -> None:
    read = read_wav(write_any(tmp_path / "a.wav", tone(rate, 1.0), rate, channels))
    assert abs(len(read) - RATE) <= RATE // 100
    inner = read[RATE // 10 : -RATE // 10].astype(float)
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner))))
    assert abs(np.argmax(spectrum) * RATE / len(inner) - 440) < 3
    assert 7000 < np.abs(inner).max() < 9000


@pytest.mark.parametrize("content", [b"", b"not a sound file", b"RIFF\0\0\0\0WAVEfmt "])
def test_anything_else_is_a_wav_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(WavError, match=r"a\.wav"):
        read_wav(path)


def test_a_missing_file_is_a_wav_error(tmp_path: Path) -> None:
    with pytest.raises(WavError, match="No such file"):
        read_wav(tmp_path / "none.wav")


def test_a_file_without_samples_holds_no_audio(tmp_path: Path) -> None:
    path = write_any(tmp_path / "a.wav", np.zeros(0), 16000, 1)
    with pytest.raises(WavError, match="holds no audio"):
        read_wav(path)
