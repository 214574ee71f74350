"""A turn ends with a pause that is short only after words that can end one (`semantic_vad`).

https://platform.openai.com/docs/guides/realtime-vad#semantic-vad
"""

from antiphon_proto.trunk import Eagerness
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import TurnSignal

DANGLING_WORDS = frozenset(
    """
    a an and are as at but by can could did divided do does for from how if in into is like
    many me minus much my of on or plus repeat set spell tell than that the then times timer to
    was what when where which who why will with would your
    """.split()  # noqa: SIM905  (one word a line would be a page)
)
"""Words that a sentence of a request seldom ends with."""


class SemanticDetector:
    """Judges by the voice, and by the words that were heard."""

    def __init__(
        self, threshold: float, eagerness: Eagerness, rate: int, voiced_end: int | None = None
    ) -> None:
        """`voiced_end`: of a turn that has begun already."""
        self._waits = WAITS[eagerness]
        self._samples_per_ms = rate // 1000
        self._likelihood = 0.0
        self._silence = SilenceDetector(threshold, 0, voiced_end)
        self._apply(0.0)

    @property
    def voiced_end(self) -> int | None:
        return self._silence.voiced_end

    @property
    def silence(self) -> int:
        return self._silence.silence

    def push_audio(self, position: int, pcm: bytes) -> None:
        """The samples themselves tell nothing more."""

    def push_voice(self, probability: float, position: int) -> TurnSignal | None:
        return self._silence.push_voice(probability, position)

    def update_text(self, transcript: str) -> None:
        words = transcript.split()
        self._apply(1.0 if words and words[-1] not in DANGLING_WORDS else 0.0)

    def predict(self) -> float:
        return self._likelihood

    def reset(self) -> None:
        self._silence.reset()
        self._apply(0.0)

    def _apply(self, likelihood: float) -> None:
        self._likelihood = likelihood
        waits = self._waits
        wait_ms = waits.incomplete_ms + likelihood * (waits.complete_ms - waits.incomplete_ms)
        self._silence.silence_samples = round(wait_ms) * self._samples_per_ms
