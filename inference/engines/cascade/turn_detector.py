"""When the user starts to speak, and when what was said makes a whole turn.

A detector is fed the probability of speech of one window after the other. Time
is the input clock's, in samples, so that audio which arrives in a burst, or not
at all, is judged as if it had come evenly.
"""

from dataclasses import dataclass
from typing import Protocol

from antiphon_proto.trunk import Eagerness, TurnDetection, TurnDetectionKind

HYSTERESIS = 0.15
"""Speech that has started goes on until this far below the threshold."""


@dataclass(frozen=True, slots=True)
class VoiceBegan:
    """The first window of a turn that holds speech."""

    position: int
    """Behind that window's last sample."""


@dataclass(frozen=True, slots=True)
class VoiceEnded:
    """A pause long enough to end the turn."""

    voiced_end: int
    """Behind the last window that held speech."""
    position: int
    """Behind the window that made the pause long enough."""


TurnSignal = VoiceBegan | VoiceEnded


class TurnDetector(Protocol):
    """Finds turns in a run of windows."""

    @property
    def voiced_end(self) -> int | None:
        """Behind the last window that held speech of a turn that has begun."""

    def push(self, probability: float, position: int) -> TurnSignal | None:
        """Judge the window that ends before sample `position`."""

    def predict(self, transcript: str) -> float:
        """How likely the words heard so far make a whole turn, from 0 to 1; waits accordingly."""

    def reset(self) -> None:
        """Forget a turn that has begun."""


class SilenceDetector:
    """A turn ends with a pause of a fixed length (`server_vad`)."""

    def __init__(
        self, threshold: float, silence_samples: int, voiced_end: int | None = None
    ) -> None:
        """`voiced_end`: of a turn that has begun already."""
        self.silence_samples = silence_samples
        self._threshold = threshold
        self._voiced_end = voiced_end

    @property
    def voiced_end(self) -> int | None:
        return self._voiced_end

    def push(self, probability: float, position: int) -> TurnSignal | None:
        if self._voiced_end is None:
            if probability < self._threshold:
                return None
            self._voiced_end = position
            return VoiceBegan(position)
        if probability >= self._threshold - HYSTERESIS:
            self._voiced_end = position
            return None
        if position - self._voiced_end < self.silence_samples:
            return None
        ended = VoiceEnded(self._voiced_end, position)
        self._voiced_end = None
        return ended

    def predict(self, transcript: str) -> float:
        return 1.0

    def reset(self) -> None:
        self._voiced_end = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Pauses that end a turn, in milliseconds."""

    complete_ms: int
    """Where the words make a whole turn."""
    incomplete_ms: int
    """Where they do not: the longest that is ever waited."""


WAITS = {
    Eagerness.LOW: Waits(800, 8000),
    Eagerness.MEDIUM: Waits(500, 4000),
    Eagerness.HIGH: Waits(300, 2000),
}

DANGLING_WORDS = frozenset(
    """
    a an and are as at but by can could did divided do does for from how if in into is like
    many me minus much my of on or plus repeat set spell tell than that the then times timer to
    was what when where which who why will with would your
    """.split()  # noqa: SIM905  (one word a line would be a page)
)
"""Words that a sentence of a request seldom ends with."""


class SemanticDetector:
    """A turn ends with a pause that is short only after words that can end one (`semantic_vad`).

    The words are judged by the last of them: crude, but at no cost.
    """

    def __init__(
        self, threshold: float, eagerness: Eagerness, rate: int, voiced_end: int | None = None
    ) -> None:
        """`voiced_end`: of a turn that has begun already."""
        self._waits = WAITS[eagerness]
        self._samples_per_ms = rate // 1000
        self._silence = SilenceDetector(threshold, self._wait_samples(0.0), voiced_end)

    @property
    def voiced_end(self) -> int | None:
        return self._silence.voiced_end

    def push(self, probability: float, position: int) -> TurnSignal | None:
        return self._silence.push(probability, position)

    def predict(self, transcript: str) -> float:
        words = transcript.split()
        likelihood = 1.0 if words and words[-1] not in DANGLING_WORDS else 0.0
        self._silence.silence_samples = self._wait_samples(likelihood)
        return likelihood

    def reset(self) -> None:
        self._silence.reset()
        self._silence.silence_samples = self._wait_samples(0.0)

    def _wait_samples(self, likelihood: float) -> int:
        waits = self._waits
        wait_ms = waits.incomplete_ms + likelihood * (waits.complete_ms - waits.incomplete_ms)
        return round(wait_ms) * self._samples_per_ms


def turn_detector(
    detection: TurnDetection, rate: int, voiced_end: int | None = None
) -> TurnDetector:
    """The detector that a session asks for, on a clock of `rate` samples a second.

    `voiced_end`: behind the last window so far of a turn that another detector began.
    """
    if detection.kind is TurnDetectionKind.SEMANTIC_VAD:
        return SemanticDetector(detection.threshold, detection.eagerness, rate, voiced_end)
    silence_samples = detection.silence_duration_ms * rate // 1000
    return SilenceDetector(detection.threshold, silence_samples, voiced_end)
