"""Sound files: anything that FFmpeg reads comes in, WAV goes out."""

import wave
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE = 48_000
"""Samples a second of all audio in the call client, mono, as Opus over RTP has it."""


class WavError(ValueError):
    """A sound file that cannot be read."""


def read_wav(path: Path) -> Samples:
    """The first audio stream, mixed to mono and resampled to `RATE`. Raises WavError."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise WavError(f"{path} holds no audio")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            frames = [
                resampled
                for frame in [*container.decode(container.streams.audio[0]), None]
                for resampled in resampler.resample(frame)
            ]
    except (av.error.FFmpegError, OSError) as error:
        raise WavError(f"{path} cannot be read: {error.strerror or error}") from error
    if not frames:
        raise WavError(f"{path} holds no audio")
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def write_wav(path: Path, samples: Samples) -> None:
    """Write mono samples at `RATE`. Raises OSError."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
