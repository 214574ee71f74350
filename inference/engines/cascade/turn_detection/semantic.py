"""A turn ends with a pause that is short only after words that can end one (`semantic_vad`).

Three things make it longer: words that another is likely to follow (`completeness.py`),
words that the recogniser is still changing, and pauses that the same turn has had already
behind words that could have ended it.

https://platform.openai.com/docs/guides/realtime-vad#semantic-vad
"""

from antiphon_proto.trunk import Eagerness
from inference.engines.cascade.turn_detection.completeness import UNKNOWN, completeness
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import TurnSignal, VoiceEnded

STABLE_MS = 200
"""Words that have not changed for so long are taken to be what was said."""

PAUSE_FACTOR = 1.25
"""A pause must be so much longer than any that this turn went on after, although it could
have been whole."""


class SemanticDetector:
    """Judges by the voice, and by the words that were heard."""

    def __init__(
        self, threshold: float, eagerness: Eagerness, rate: int, voiced_end: int | None = None
    ) -> None:
        """`voiced_end`: of a turn that has begun already."""
        self._waits = WAITS[eagerness]
        self._samples_per_ms = rate // 1000
        self._silence = SilenceDetector(threshold, 0, voiced_end)
        self._position = voiced_end or 0
        self._text = ""
        self._text_changed = 0
        self._longest_pause = 0
        self._by_words = UNKNOWN
        self._believed: float | None = None

    @property
    def voiced_end(self) -> int | None:
        return self._silence.voiced_end

    @property
    def silence(self) -> int:
        return self._silence.silence

    def push_audio(self, position: int, pcm: bytes) -> None:
        """The samples themselves tell nothing more."""

    def push_voice(self, probability: float, position: int) -> TurnSignal | None:
        self._position = position
        paused = self._silence.silence
        self._silence.silence_samples = self._pause_wanted()
        signal = self._silence.push_voice(probability, position)
        if isinstance(signal, VoiceEnded):
            self._forget()
        elif self._silence.silence == 0 and self.predict() >= UNKNOWN:
            self._longest_pause = max(self._longest_pause, paused)
        return signal

    def update_text(self, transcript: str) -> None:
        if transcript != self._text:
            self._text = transcript
            self._text_changed = self._position
            self._by_words = completeness(transcript)

    def believe(self, likelihood: float | None) -> None:
        """Take somebody's word for how likely the turn is whole; None: judge by its own words."""
        self._believed = likelihood

    def predict(self) -> float:
        return self._by_words if self._believed is None else self._believed

    def reset(self) -> None:
        self._silence.reset()
        self._forget()

    def _pause_wanted(self) -> int:
        """Samples of silence that end the turn as it stands."""
        wait = self._waits.wait_ms(self.predict()) * self._samples_per_ms
        until_stable = self._text_changed - (self.voiced_end or 0)
        until_stable += STABLE_MS * self._samples_per_ms
        wanted = max(wait, until_stable, PAUSE_FACTOR * self._longest_pause)
        return round(min(wanted, self._waits.incomplete_ms * self._samples_per_ms))

    def _forget(self) -> None:
        self._text = ""
        self._by_words = UNKNOWN
        self._believed = None
        self._longest_pause = 0
