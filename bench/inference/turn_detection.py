"""`python -m bench.inference.turn_detection`: turns cut short, against how long is waited.

A turn is cut short when it is ended in a pause between its clauses. The detectors hear real
audio, judged by the real voice activity model. They read the words that were really said,
`--lag-ms` after each, as a good streaming recogniser gives them: without punctuation.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from antiphon_proto.trunk import Eagerness
from bench.figures import percentile, publish, rounded
from bench.inference.turn_utterances import PAUSED, PLAIN
from bench.tables import as_text
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.espeak import Espeak
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import TurnDetector, VoiceEnded
from inference.engines.cascade.vad import SAMPLE_RATE, SileroModel, VoiceBatch, VoiceStream
from inference.engines.cascade.worker_messages import SpeakRequest

VOICES = (("en-us", 165), ("en-gb", 150))
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 1.5
BEFORE_S, AFTER_S = 0.4, 9.0
NOISE_AMPLITUDE = 3
"""Of 16 bits, so that pauses are no digital silence."""
AUDIBLE = 100
"""Amplitude, of 16 bits, that is speech and not what a voice fades out in."""
THRESHOLD = 0.5

Samples = NDArray[np.float64]
Window = tuple[float, int]
"""Probability of speech, and the position behind the window."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn, with all that a detector is told of it."""

    windows: Sequence[Window]
    words: Sequence[tuple[int, str]]
    """Where each word ends, and the text up to there."""
    end: int
    """Behind the last audible sample."""


class LastWord(SilenceDetector):
    """What `semantic_vad` was before: short after any word but these, else the longest wait."""

    DANGLING = frozenset(
        """
        a an and are as at but by can could did divided do does for from how if in into is like
        many me minus much my of on or plus repeat set spell tell than that the then times timer
        to was what when where which who why will with would your
        """.split()  # noqa: SIM905  (one word a line would be a page)
    )

    def __init__(self, eagerness: Eagerness) -> None:
        waits = WAITS[eagerness]
        self._complete = waits.complete_ms * SAMPLE_RATE // 1000
        self._incomplete = waits.incomplete_ms * SAMPLE_RATE // 1000
        super().__init__(THRESHOLD, self._incomplete)

    def update_text(self, transcript: str) -> None:
        last = transcript.split()[-1]
        self.silence_samples = self._incomplete if last in self.DANGLING else self._complete


def detectors() -> dict[str, Callable[[], TurnDetector]]:
    def silence(milliseconds: int) -> Callable[[], TurnDetector]:
        return lambda: SilenceDetector(THRESHOLD, milliseconds * SAMPLE_RATE // 1000)

    def semantic(eagerness: Eagerness) -> Callable[[], TurnDetector]:
        return lambda: SemanticDetector(THRESHOLD, eagerness, SAMPLE_RATE)

    def last_word(eagerness: Eagerness) -> Callable[[], TurnDetector]:
        return lambda: LastWord(eagerness)

    return {
        **{f"silence_{wait}ms": silence(wait) for wait in (200, 500, 800, 1200)},
        **{f"last_word_{eagerness.value}": last_word(eagerness) for eagerness in Eagerness},
        **{f"semantic_{eagerness.value}": semantic(eagerness) for eagerness in Eagerness},
    }


class Studio:
    """Speaks the utterances. One a process: espeak-ng is a singleton."""

    def __init__(self, seed: int) -> None:
        self._espeak = Espeak()
        self._model = SileroModel()
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def utterances(self, texts: Sequence[Sequence[str]]) -> Iterator[Utterance]:
        for clauses in texts:
            for voice, words_per_minute in VOICES:
                yield self._utterance(clauses, voice, words_per_minute)

    def _utterance(self, clauses: Sequence[str], voice: str, words_per_minute: int) -> Utterance:
        samples = np.zeros(round(BEFORE_S * SAMPLE_RATE))
        words: list[tuple[int, str]] = []
        end = 0
        for clause in clauses:
            start = len(samples)
            if words:
                start += round(
                    self._random.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S) * SAMPLE_RATE
                )
            spoken = self._speak(clause, voice, words_per_minute)
            samples = np.concatenate([samples, np.zeros(start - len(samples)), spoken])
            words += _word_ends(clause, words[-1][1] if words else "", start, len(samples))
            end = len(samples)
        samples = np.concatenate([samples, np.zeros(round(AFTER_S * SAMPLE_RATE))])
        samples += self._noise.integers(-NOISE_AMPLITUDE, NOISE_AMPLITUDE + 1, len(samples))
        return Utterance(self._judged(samples), words, end)

    def _speak(self, text: str, voice: str, words_per_minute: int) -> Samples:
        """From the first to the last audible sample."""
        pieces: list[bytes] = []

        def take(pcm: bytes) -> bool:
            pieces.append(pcm)
            return True

        self._espeak.speak(SpeakRequest(text, voice, 50, words_per_minute), take)
        spoken = np.frombuffer(b"".join(pieces), np.int16).astype(np.float64)
        resampled: Samples = soxr.resample(spoken, self._espeak.rate, SAMPLE_RATE)
        audible = np.flatnonzero(np.abs(resampled) > AUDIBLE)
        return resampled[audible[0] : audible[-1] + 1]

    def _judged(self, samples: Samples) -> list[Window]:
        windows: list[Window] = []
        scheduled: list[Callable[[], None]] = []
        batch = VoiceBatch(self._model, CascadeCounters(), scheduled.append)
        stream = VoiceStream(
            lambda probability, end: windows.append((probability, end)), lambda: None
        )
        batch.push(stream, 0, samples.clip(-32768, 32767).astype("<i2").tobytes())
        batch.settle(stream)
        return windows


def _word_ends(clause: str, before: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """A clause's words, each with its share of the time by its letters."""
    said = 0
    for word in clause.split():
        said += len(word) + 1
        before = f"{before} {word}".strip()
        yield start + (end - start) * said // (len(clause) + 1), before


def first_end(detector: TurnDetector, utterance: Utterance, lag: int) -> VoiceEnded:
    """The first end of a turn that the detector finds; `lag`: samples until a word is known."""
    known = 0
    for probability, position in utterance.windows:
        signal = detector.push_voice(probability, position)
        if isinstance(signal, VoiceEnded):
            return signal
        while known < len(utterance.words) and utterance.words[known][0] + lag <= position:
            detector.update_text(utterance.words[known][1])
            known += 1
    raise RuntimeError("the turn never ended")


def measure(
    make: Callable[[], TurnDetector], utterances: Sequence[Utterance], lag: int
) -> tuple[float, list[float]]:
    """The share of turns cut short, and of the others how long was waited, in seconds."""
    ends = [(first_end(make(), utterance, lag).position, utterance.end) for utterance in utterances]
    waits = [(position - end) / SAMPLE_RATE for position, end in ends if position >= end]
    return 1 - len(waits) / len(ends), waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lag-ms", type=int, default=200, help="until a word is recognised")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--count", type=int, default=len(PAUSED), help="of turns of each kind")
    arguments = parser.parse_args()
    lag = arguments.lag_ms * SAMPLE_RATE // 1000
    studio = Studio(arguments.seed)
    paused = list(studio.utterances(PAUSED[: arguments.count]))
    plain = list(studio.utterances([(text,) for text in PLAIN[: arguments.count]]))
    figures: dict[str, float | str] = {
        "paused.count": len(paused),
        "plain.count": len(plain),
        "lag_ms": arguments.lag_ms,
    }
    rows = [["detector", "turns cut short", "waited p50", "p95", "whole turn p50", "p95"]]
    for name, make in detectors().items():
        cut, after_pauses = measure(make, paused, lag)
        _, whole = measure(make, plain, lag)
        figures[f"{name}.cut.ratio"] = rounded(cut)
        row = [name, f"{cut:.0%}"]
        for key, waits in (("paused", after_pauses), ("plain", whole)):
            for percent in (50, 95):
                value = percentile(waits, percent) if waits else float("nan")
                figures[f"{name}.{key}_wait.p{percent}_seconds"] = rounded(value)
                row.append(f"{value * 1000:.0f} ms")
        rows.append(row)
    publish("turn_detection", figures)
    print(as_text(rows))


if __name__ == "__main__":
    main()
