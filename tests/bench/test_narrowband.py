"""The parts of the telephone's experiment that decide what its figures say."""

import numpy as np
import pytest

from bench.narrowband.conditions import CONDITIONS
from bench.narrowband.guesses import Guess, decoder_of
from bench.narrowband.line import Line, hear
from bench.narrowband.outcome import Outcome, Voiced
from bench.narrowband.speech import BEFORE_MS, Sentence
from bench.narrowband.summary import figures, section
from transceiver.audio.format import Codec

RATE = 16_000


def tone(hertz: float) -> Sentence:
    time = np.arange(RATE) / RATE
    return Sentence("a tone", "nobody", (8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2"))


def loudness(line: Line, hertz: float, **gone: set[int]) -> float:
    heard = hear(tone(hertz), line, **gone)
    assert len(heard) >= RATE
    return float(np.std(heard[RATE // 4 : RATE]))


def test_each_line_passes_what_it_says() -> None:
    whole = 8000 / np.sqrt(2)
    assert loudness(Line.WIDE, 5000) == pytest.approx(whole, rel=0.05)
    for line in (Line.PCMU, Line.PCMA):
        assert loudness(line, 1000) == pytest.approx(whole, rel=0.05)
        assert loudness(line, 3700) > 0.5 * whole
        assert loudness(line, 5000) < 0.01 * whole
    assert loudness(Line.TRUNK, 1000) == pytest.approx(whole, rel=0.05)
    assert loudness(Line.TRUNK, 3700) < 0.1 * whole
    assert loudness(Line.TRUNK, 100) < 0.02 * whole


def test_packets_that_are_lost_are_missing() -> None:
    sentence = tone(440)
    silent = decoder_of(Guess.SILENCE, Codec.PCMU, RATE)
    heard = hear(sentence, Line.PCMU, {10, 11}, decoder=silent)
    gap = heard[10 * 320 + 64 : 12 * 320]
    assert not gap.any()
    assert np.std(heard[9 * 320 : 10 * 320]) > 4000


@pytest.mark.parametrize("guess", Guess)
def test_what_fills_a_gap_is_as_long_as_the_gap(guess: Guess) -> None:
    whole = hear(tone(440), Line.PCMA)
    filled = hear(tone(440), Line.PCMA, {20}, decoder=decoder_of(guess, Codec.PCMA, RATE))
    assert len(filled) == len(whole)
    assert (filled[: 20 * 320] == whole[: 20 * 320]).all()
    assert (filled[22 * 320 :] == whole[22 * 320 :]).all()


def test_a_key_is_pressed_before_the_words() -> None:
    quiet = Sentence("", "nobody", np.zeros(RATE, "<i2"))
    heard = hear(quiet, Line.KEYED, decoder=decoder_of(Guess.SILENCE, Codec.PCMU, RATE))
    assert np.std(heard[(BEFORE_MS - 250) * 16 : (BEFORE_MS - 150) * 16]) > 1000
    assert not heard[BEFORE_MS * 16 :].any()
    assert not hear(quiet, Line.PCMU).any()


def test_the_section_has_a_row_for_every_line_and_path() -> None:
    outcome = {each: Outcome(10, 1, 4.0 if each.loss else None) for each in CONDITIONS}
    voiced = {line: Voiced((400.0, 900.0 + 32 * (line is Line.TRUNK))) for line in Line}
    measured = figures([(outcome, voiced)] * 3)
    assert measured["words"] == 30
    assert measured["wer.pcmu"] == measured["wer.trunk.bursty5.both_sides"] == 0.1
    assert measured["voice.trunk.ends_later.p50_ms"] == 32
    rows = section(measured).splitlines()
    assert "| 24 kHz | 10.0 (10.0..10.0) |  |  |  |" in rows
    assert sum(row.startswith("| random, 5%") for row in rows) == 2


def test_conditions_have_names_of_their_own() -> None:
    assert len({str(each) for each in CONDITIONS}) == len(CONDITIONS)
