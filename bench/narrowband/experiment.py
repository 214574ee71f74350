"""One sentence over every line."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from pesq import PesqError, pesq

from antiphon.wav import Samples
from bench.inference.pauses import voiced_ends
from bench.loss.channel import lost
from bench.loss.recognition import Recogniser, word_errors
from bench.narrowband.conditions import CONDITIONS, GUESSED, WHOLE, Condition
from bench.narrowband.guesses import decoder_of
from bench.narrowband.line import Line, hear, packet_count
from bench.narrowband.outcome import Outcome, Voiced
from bench.narrowband.speech import Sentence
from inference.engines.cascade.upper_band import UpperBand
from inference.engines.cascade.vad import SAMPLE_RATE, SileroModel
from transceiver.audio.g711 import CLOCK_RATE

WORST = 1.0
"""Of what has too little speech left to be scored."""


class Laboratory:
    """Holds the recogniser and the voice model; one a process."""

    def __init__(self) -> None:
        with TemporaryDirectory() as directory:
            self._recogniser = Recogniser(Path(directory))
        self._voice = SileroModel()

    def outcomes(self, number: int, sentence: Sentence) -> dict[Condition, Outcome]:
        """`number` tells which packets are lost: the same ones on every line."""
        return {each: self._outcome(number, sentence, each) for each in CONDITIONS}

    def voiced(self, sentence: Sentence) -> dict[Line, Voiced]:
        return {each.line: self._voiced(hear(sentence, each.line)) for each in WHOLE}

    def _outcome(self, number: int, sentence: Sentence, condition: Condition) -> Outcome:
        gone = _lost(number, sentence, condition)
        heard = _heard(sentence, condition, gone, SAMPLE_RATE)
        said = sentence.text.split()
        errors = None
        if condition not in GUESSED:
            errors = word_errors(said, self._transcript(heard, condition).split())
        return Outcome(len(said), errors, _pesq(sentence, condition, gone))

    def _transcript(self, heard: Samples, condition: Condition) -> str:
        if condition.upper_band:
            return self._recogniser.transcript(heard)
        with mock.patch.object(UpperBand, "extend", lambda _self, pcm: pcm):
            return self._recogniser.transcript(heard)

    def _voiced(self, heard: Samples) -> Voiced:
        ends = voiced_ends(self._voice, heard.tobytes())
        if not ends:
            return Voiced(None)
        return Voiced((1000 * ends[0] / SAMPLE_RATE, 1000 * ends[-1] / SAMPLE_RATE))


def _lost(number: int, sentence: Sentence, condition: Condition) -> set[int]:
    chance = random.Random(f"{number} {condition.pattern.value} {condition.loss}")
    return lost(condition.pattern, condition.loss, packet_count(sentence), chance)


def _heard(sentence: Sentence, condition: Condition, gone: set[int], rate: int) -> Samples:
    decoder = decoder_of(condition.guess, condition.line.codec, rate)
    return hear(sentence, condition.line, gone, decoder=decoder, rate=rate)


def _pesq(sentence: Sentence, condition: Condition, gone: set[int]) -> float | None:
    if not condition.loss:
        return None
    whole = hear(sentence, condition.line, rate=CLOCK_RATE)
    heard = _heard(sentence, condition, gone, CLOCK_RATE)
    score: float = pesq(CLOCK_RATE, whole, heard, "nb", on_error=PesqError.RETURN_VALUES)
    return max(score, WORST)
