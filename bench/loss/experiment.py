"""One sentence through every path and receiver."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.loss import aiortc_listener, antiphon_listener
from bench.loss.channel import lost
from bench.loss.conditions import CONDITIONS, LOSSES, Condition, Receiver
from bench.loss.heard import Heard
from bench.loss.outcome import FrameCounts, Outcome
from bench.loss.quality import score
from bench.loss.recognition import Recogniser, word_errors
from bench.loss.speech import Sentence
from bench.loss.stream import TAIL_FRAMES, Stream, stream

REDUNDANT_DRAWS = 5
"""Other losses of the same packets, for the frames that redundancy recovers alone: hundreds of
lost frames do not tell 94 % from 95."""


class Laboratory:
    """Holds the recogniser; one a process."""

    def __init__(self) -> None:
        with TemporaryDirectory() as directory:
            self._recogniser = Recogniser(Path(directory))

    def outcomes(self, number: int, sentence: Sentence) -> dict[Condition, Outcome]:
        """`number` tells which packets are lost: the same ones for every receiver."""
        streams = {loss: stream(sentence.samples, loss) for loss in LOSSES}
        transcripts: dict[bytes, int] = {}
        found = {}
        for condition in CONDITIONS:
            sent = streams[condition.loss]
            trial = Trial(condition.receiver, sent, random.Random(number).random())
            heard = trial.heard(_lost(condition, sent, number))
            key = heard.samples.tobytes()
            if key not in transcripts:
                transcripts[key] = self._errors(sentence.text, heard)
            found[condition] = Outcome(
                words=len(sentence.text.split()),
                errors=transcripts[key],
                pesq=score(trial.heard(set()).samples, heard.samples),
                frames=_frames(condition, trial, number, heard),
                delays_s=heard.delays_s,
                lasting_delay_s=heard.delays_s[-1],
            )
        return found

    def _errors(self, text: str, heard: Heard) -> int:
        return word_errors(text.split(), self._recogniser.transcript(heard.samples).split())


@dataclass(frozen=True, slots=True)
class Trial:
    """A receiver of a stream; `phase` tells when it is served between packets, 0 to 1."""

    receiver: Receiver
    sent: Stream
    phase: float

    def heard(self, gone: set[int]) -> Heard:
        if self.receiver is Receiver.AIORTC:
            return aiortc_listener.listen(self.sent.plain, gone)
        packets = self.sent.redundant if self.receiver is Receiver.RED else self.sent.plain
        phase_s = self.phase * antiphon_listener.SERVED_EVERY_S
        return antiphon_listener.listen(packets, gone, phase_s)


def _lost(condition: Condition, sent: Stream, number: int, draw: int = 0) -> set[int]:
    chance = random.Random(f"{number} {draw} {condition.pattern.value} {condition.loss}")
    return lost(condition.pattern, condition.loss, len(sent.frames) - TAIL_FRAMES, chance)


def _frames(condition: Condition, trial: Trial, number: int, heard: Heard) -> FrameCounts:
    counts = fates(trial.sent, _lost(condition, trial.sent, number), heard)
    if condition.receiver is Receiver.RED and condition.loss:
        for draw in range(1, REDUNDANT_DRAWS + 1):
            gone = _lost(condition, trial.sent, number, draw)
            counts = counts.plus(fates(trial.sent, gone, trial.heard(gone)))
    return counts


def fates(sent: Stream, gone: set[int], heard: Heard) -> FrameCounts:
    """Of the frames that are like no other, which those of pauses may be."""
    frames = sent.frames[:-TAIL_FRAMES]
    times = Counter(frames)
    places = {frame: place for place, frame in enumerate(frames) if times[frame] == 1}
    missed = gone & set(places.values())
    decoded = {places[payload] for payload in heard.payloads if payload in places}
    return FrameCounts(
        came=len(places) - len(missed),
        discarded=len(set(places.values()) - missed - decoded),
        lost=len(missed),
        recovered=len(missed & decoded),
    )
