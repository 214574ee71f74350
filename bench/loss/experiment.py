"""One sentence through every path and receiver."""

import random
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from pesq import PesqError, pesq

from antiphon.wav import Samples
from bench.loss import aiortc_listener, antiphon_listener
from bench.loss.channel import Pattern, lost
from bench.loss.heard import ENGINE_RATE, Heard
from bench.loss.recognition import Recogniser, word_errors
from bench.loss.speech import Sentence
from bench.loss.stream import TAIL_FRAMES, Stream, stream

LOSSES = (0.0, 0.02, 0.05, 0.10, 0.20)
WORST_PESQ = 1.0
"""Of what has too little speech left to be scored."""


class Receiver(Enum):
    RED = "red"
    """Antiphon, from redundant packets as Chromium sends them."""
    FEC = "fec"
    """Antiphon, from plain packets with what in-band FEC they have."""
    AIORTC = "aiortc"
    """aiortc, from the same plain packets."""


@dataclass(frozen=True, slots=True)
class Condition:
    pattern: Pattern
    loss: float
    receiver: Receiver

    def __str__(self) -> str:
        return f"{self.pattern.value}.loss{self.loss:.0%}.{self.receiver.value}".replace("%", "")


CONDITIONS = [
    Condition(pattern, loss, receiver)
    for pattern in Pattern
    for loss in LOSSES
    for receiver in Receiver
    if loss or pattern is Pattern.RANDOM
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sentence."""

    words: int
    errors: int
    pesq: float
    """Against the same receiver's sound of the same packets, none lost."""
    frames: int
    lost: int
    recovered: int
    """Frames whose packet was lost and whose own payload was decoded all the same."""
    discarded: int
    """Frames whose packet came and whose payload was not decoded."""
    delays_s: list[float]
    lasting_delay_s: float
    """Of the last sound, after all losses."""


class Laboratory:
    """Holds the recogniser; one a process."""

    def __init__(self) -> None:
        with TemporaryDirectory() as directory:
            self._recogniser = Recogniser(Path(directory))

    def outcomes(self, number: int, sentence: Sentence) -> dict[Condition, Outcome]:
        """`number` tells which packets are lost: the same ones for every receiver."""
        streams = {loss: stream(sentence.samples, loss) for loss in LOSSES}
        transcripts: dict[bytes, str] = {}
        found = {}
        for condition in CONDITIONS:
            sent = streams[condition.loss]
            count = len(sent.frames) - TAIL_FRAMES
            chance = random.Random(f"{number} {condition.pattern.value} {condition.loss}")
            gone = lost(condition.pattern, condition.loss, count, chance)
            phase_s = random.Random(number).uniform(0.0, antiphon_listener.SERVED_EVERY_S)
            heard = _heard(condition.receiver, sent, gone, phase_s)
            whole = _heard(condition.receiver, sent, set(), phase_s)
            key = heard.samples.tobytes()
            if key not in transcripts:
                transcripts[key] = self._recogniser.transcript(heard.samples)
            said = sentence.text.split()
            places = _places(sent.frames[:count])
            decoded = {places[payload] for payload in heard.payloads if payload in places}
            missed = gone & set(places.values())
            found[condition] = Outcome(
                words=len(said),
                errors=word_errors(said, transcripts[key].split()),
                pesq=_pesq(whole.samples, heard.samples),
                frames=len(places),
                lost=len(missed),
                recovered=len(missed & decoded),
                discarded=len(set(places.values()) - gone - decoded),
                delays_s=heard.delays_s,
                lasting_delay_s=heard.delays_s[-1],
            )
        return found


def _heard(receiver: Receiver, sent: Stream, gone: set[int], phase_s: float) -> Heard:
    if receiver is Receiver.AIORTC:
        return aiortc_listener.listen(sent.plain, gone)
    packets = sent.redundant if receiver is Receiver.RED else sent.plain
    return antiphon_listener.listen(packets, gone, phase_s)


def _places(frames: list[bytes]) -> dict[bytes, int]:
    """Which frame a payload is; without those that are equal, as in pauses."""
    return {frame: place for place, frame in enumerate(frames) if frames.count(frame) == 1}


def _pesq(whole: Samples, heard: Samples) -> float:
    score: float = pesq(ENGINE_RATE, whole, heard, "wb", on_error=PesqError.RETURN_VALUES)
    return max(score, WORST_PESQ)
