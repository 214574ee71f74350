"""The user's voice in tests: synthesised speech as a microphone would give it."""

import functools

import numpy as np
import soxr

from inference.engines.cascade.espeak import Espeak
from inference.engines.cascade.worker_messages import SpeakRequest

RATE = 16_000
NOISE_AMPLITUDE = 3


class UserVoice:
    """Speaks at 16 kHz. One a process, `user_voice`: espeak-ng is a singleton."""

    def __init__(self) -> None:
        self._espeak = Espeak()

    def say(
        self,
        text: str,
        voice: str = "en-us",
        pitch: int = 50,
        words_per_minute: int = 165,
        *,
        before_ms: int = 400,
        after_ms: int = 800,
    ) -> bytes:
        """The spoken text between two pauses, over a little noise."""
        chunks: list[bytes] = []

        def take(pcm: bytes) -> bool:
            chunks.append(pcm)
            return True

        self._espeak.speak(SpeakRequest(text, voice, pitch, words_per_minute), take)
        speech = np.frombuffer(b"".join(chunks), np.int16)
        speech = soxr.resample(speech, self._espeak.rate, RATE)
        before, after = np.zeros(before_ms * RATE // 1000), np.zeros(after_ms * RATE // 1000)
        return self._over_noise(np.concatenate([before, speech, after]))

    def has_voice(self, name: str) -> bool:
        return self._espeak._library.espeak_SetVoiceByName(name.encode()) == 0

    def silence(self, milliseconds: int) -> bytes:
        return self._over_noise(np.zeros(milliseconds * RATE // 1000))

    def _over_noise(self, samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bytes:
        """The same noise each time: what is heard depends on no test before."""
        random = np.random.default_rng(0)
        noise = random.integers(-NOISE_AMPLITUDE, NOISE_AMPLITUDE + 1, len(samples))
        return (samples + noise).clip(-32768, 32767).astype("<i2").tobytes()


@functools.cache
def user_voice() -> UserVoice:
    """The process's. Another one would take the library's callback along as it ends."""
    return UserVoice()
