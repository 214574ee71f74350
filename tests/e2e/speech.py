"""Spoken test input, synthesised by espeak-ng.

The library is a process-wide singleton: every utterance is spoken by a process of
its own, `python speech.py TEXT FILE`.
"""

import ctypes
import hashlib
import subprocess
import sys
import wave
from pathlib import Path

import espeakng_loader
import numpy as np

from antiphon.wav import RATE, Samples, read_wav

# https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE_PARAMETER, _WORDS_A_MINUTE = 1, 150
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Speaker:
    """Speaks into a directory, each text once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def say(self, text: str) -> Samples:
        """The text spoken, mono at the call's rate, without silence around it."""
        return _trimmed(read_wav(self._file(text)))

    def _file(self, text: str) -> Path:
        path = self._directory / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.wav"
        if not path.exists():
            subprocess.run([sys.executable, __file__, text, path], check=True)
        return path


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 200)
    return samples[loud[0] : loud[-1] + 1]


def _synthesise(text: str, path: Path) -> None:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
    spoken = bytearray()

    def take(samples: object, count: int, _events: object) -> int:
        if samples and count > 0:
            spoken.extend(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _SYNTH_CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_SetParameter(_RATE_PARAMETER, _WORDS_A_MINUTE, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(spoken))


if __name__ == "__main__":
    _synthesise(sys.argv[1], Path(sys.argv[2]))
