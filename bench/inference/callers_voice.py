"""Synthesised callers: `flite:slt` is a voice of Debian's flite, `espeak:en-gb` one of espeak-ng's.

Flite's voices are recorded speakers, cut into pieces and smoothed (CLUSTERGEN), or joined
diphones; espeak-ng's are formants without a recording. http://www.festvox.org/flite/
"""

import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np

from tests.inference.user_voice import NOISE_AMPLITUDE, RATE, UserVoice

TIMEOUT_S = 20

espeak = cache(UserVoice)
"""One a process."""


class VoiceMissingError(Exception):
    """The synthesiser of a voice is not installed."""


def say(text: str, voice: str, *, before_ms: int = 400, after_ms: int = 1500) -> bytes:
    """16 bit samples at 16 kHz: the text between two pauses, over a little noise.

    The same each time for flite. Raises VoiceMissingError.
    """
    synthesiser, _, name = voice.partition(":")
    if synthesiser == "espeak":
        return espeak().say(text, name, before_ms=before_ms, after_ms=after_ms)
    speech = _flite(text, name)
    samples = np.pad(speech.astype(float), (before_ms * RATE // 1000, after_ms * RATE // 1000))
    random = np.random.default_rng(len(speech))
    noise = random.integers(-NOISE_AMPLITUDE, NOISE_AMPLITUDE + 1, len(samples))
    return (samples + noise).clip(-32768, 32767).astype("<i2").tobytes()


def _flite(text: str, voice: str) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    program = shutil.which("flite")
    if program is None:
        raise VoiceMissingError("flite is not installed: bench/inference/install-debian-packages")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "speech.wav"
        command = [program, "-voice", voice, "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, timeout=TIMEOUT_S)
        with wave.open(str(path)) as file:
            if file.getframerate() != RATE:
                raise ValueError(f"{voice} speaks at {file.getframerate()} Hz, not at {RATE}")
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")
