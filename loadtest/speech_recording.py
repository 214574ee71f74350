"""`python -m loadtest.speech_recording`: record anew what callers say, into `loadtest/speech`.

The voice is espeak-ng's, which the extra `inference` brings; callers need the recordings only.
"""

import ctypes
from pathlib import Path

import av
import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from loadtest.callers.speech import FRAMES_PER_SECOND, OPUS_RATE, pack, questions

FILE = Path(__file__).parent / "speech" / "questions.opus-frames"

BIT_RATE = 24_000
QUIET = 200

SILENCE = bytes.fromhex("f8fffe")
"""20 ms of nothing, mono: https://www.rfc-editor.org/rfc/rfc6716#section-3.1
What an encoder makes of zeros decodes to a noise that nobody hears and other encoders code."""

VOICE, WORDS_PER_MINUTE = b"en-us", 150

# https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARACTERS_UTF8 = 1
_PARAMETER_RATE = 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

Samples = NDArray[np.int16]


def recordings() -> bytes:
    """The file of all questions, and of silence before them."""
    voice = _Voice()
    return pack([(SILENCE,), *(encode(voice.say(each.text)) for each in questions())])


def encode(samples: Samples) -> tuple[bytes, ...]:
    """Mono samples at 48 kHz as Opus packets of 20 ms; the last one is filled with silence."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = OPUS_RATE, "s16", "mono"
    encoder.bit_rate = BIT_RATE
    encoder.options = {"application": "voip", "frame_duration": "20"}
    length = OPUS_RATE // FRAMES_PER_SECOND
    padded = np.pad(samples, (0, -len(samples) % length))
    packets: list[bytes] = []
    for start in range(0, len(padded), length):
        frame = av.AudioFrame.from_ndarray(
            padded[None, start : start + length], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = OPUS_RATE, start
        packets += map(bytes, encoder.encode(frame))
    return tuple(packets)


class _Voice:
    """espeak-ng's library, of which a process has one."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        self._rate = self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        self._spoken = bytearray()
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetVoiceByName(VOICE)
        self._library.espeak_SetParameter(_PARAMETER_RATE, WORDS_PER_MINUTE, 0)

    def say(self, text: str) -> Samples:
        """At 48 kHz, without silence around it."""
        del self._spoken[:]
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _CHARACTERS_UTF8, None, None)
        samples = np.frombuffer(bytes(self._spoken), np.int16)
        loud = np.flatnonzero(np.abs(samples) > QUIET)
        return _resampled(samples[loud[0] : loud[-1] + 1], self._rate)

    def _take(self, samples: object, count: int, _events: object) -> int:
        if samples and count > 0:
            self._spoken.extend(ctypes.string_at(samples, 2 * count))  # type: ignore[arg-type]
        return 0


def _resampled(samples: Samples, rate: int) -> Samples:
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=OPUS_RATE)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([each.to_ndarray().reshape(-1) for each in frames])


if __name__ == "__main__":
    FILE.write_bytes(recordings())
