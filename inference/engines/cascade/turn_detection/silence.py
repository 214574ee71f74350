"""A turn ends with a pause of a fixed length (`server_vad`).

https://platform.openai.com/docs/guides/realtime-vad#server-vad
"""

from inference.engines.cascade.turn_detection.turn_detector import (
    TurnSignal,
    VoiceBegan,
    VoiceEnded,
)

HYSTERESIS = 0.15
"""Speech that has started goes on until this far below the threshold."""


class SilenceDetector:
    """Judges by the voice alone."""

    def __init__(
        self, threshold: float, silence_samples: int, voiced_end: int | None = None
    ) -> None:
        """`voiced_end`: of a turn that has begun already."""
        self.silence_samples = silence_samples
        """The pause that ends a turn."""
        self._threshold = threshold
        self._voiced_end = voiced_end
        self._judged = voiced_end or 0

    @property
    def voiced_end(self) -> int | None:
        return self._voiced_end

    @property
    def silence(self) -> int:
        return 0 if self._voiced_end is None else self._judged - self._voiced_end

    def push_audio(self, position: int, pcm: bytes) -> None:
        """The samples themselves tell nothing more."""

    def push_voice(self, probability: float, position: int) -> TurnSignal | None:
        self._judged = position
        if self._voiced_end is None:
            if probability < self._threshold:
                return None
            self._voiced_end = position
            return VoiceBegan(position)
        if probability >= self._threshold - HYSTERESIS:
            self._voiced_end = position
            return None
        if self.silence < self.silence_samples:
            return None
        ended = VoiceEnded(self._voiced_end, position)
        self._voiced_end = None
        return ended

    def update_text(self, transcript: str) -> None:
        """Words do not matter."""

    def predict(self) -> float:
        """How much of the pause that ends a turn has passed."""
        return min(1.0, self.silence / self.silence_samples) if self.silence_samples else 1.0

    def reset(self) -> None:
        self._voiced_end = None
