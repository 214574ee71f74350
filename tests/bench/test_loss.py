"""The parts of the loss experiment that decide what its figures say."""

import random

import numpy as np
import pytest

from bench.loss import antiphon_listener
from bench.loss.channel import MEAN_BURST, Pattern, lost
from bench.loss.conditions import CONDITIONS, LOSSES, Condition, Receiver
from bench.loss.heard import placed
from bench.loss.outcome import FrameCounts, Outcome
from bench.loss.plot import draw
from bench.loss.recognition import word_errors
from bench.loss.stream import TAIL_FRAMES, stream
from bench.loss.summary import figures, interval, wer
from bench.loss.tables import section


def outcome(errors: int = 0, lost: int = 0, recovered: int = 0) -> Outcome:
    return Outcome(
        words=10,
        errors=errors,
        pesq=4.0,
        frames=FrameCounts(came=100 - lost, discarded=0, lost=lost, recovered=recovered),
        delays_s=[0.0] * 90 + [0.02] * 10,
        lasting_delay_s=0.0,
    )


@pytest.mark.parametrize("pattern", Pattern)
@pytest.mark.parametrize("loss", [0.02, 0.2])
def test_a_path_loses_what_it_says_in_bursts_of_its_length(pattern: Pattern, loss: float) -> None:
    count = 200_000
    gone = lost(pattern, loss, count, random.Random(0))
    assert len(gone) / count == pytest.approx(loss, rel=0.05)
    bursts = sum(place - 1 not in gone for place in gone)
    expected = MEAN_BURST if pattern is Pattern.BURSTY else 1 / (1 - loss)
    assert len(gone) / bursts == pytest.approx(expected, rel=0.05)
    assert 0 not in gone


def test_nothing_is_lost_of_a_path_without_loss() -> None:
    assert lost(Pattern.BURSTY, 0.0, 1000, random.Random(0)) == set()


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("one two three", "one two three", 0),
        ("one two three", "one three", 1),
        ("one two three", "one two two three", 1),
        ("one two three", "four two three", 1),
        ("one two three", "", 3),
        ("one two", "two one", 2),
    ],
)
def test_word_errors(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_runs_of_sound_are_put_where_they_start_and_silence_between() -> None:
    ones = np.ones(3, np.int16)
    timeline = placed([(1, ones), (6, 2 * ones), (20, ones)], 8)
    assert timeline.tolist() == [0, 1, 1, 1, 0, 0, 2, 2]


def test_redundancy_decodes_a_lost_frame_and_fec_alone_does_not() -> None:
    tone = (8000 * np.sin(np.arange(24000) / 20)).astype(np.int16)
    sent = stream(tone, 0.05)
    assert len(sent.frames) == 25 + TAIL_FRAMES
    redundant = antiphon_listener.listen(sent.redundant, {10}, 0.01)
    plain = antiphon_listener.listen(sent.plain, {10}, 0.01)
    whole = antiphon_listener.listen(sent.plain, set(), 0.01)
    assert redundant.payloads == whole.payloads == sent.frames
    assert (redundant.samples == whole.samples).all()
    assert plain.payloads == sent.frames[:10] + sent.frames[11:]
    assert len(plain.samples) == len(whole.samples)
    assert (plain.samples != whole.samples).any()
    assert max(whole.delays_s) < 1e-9
    assert max(redundant.delays_s) == pytest.approx(0.02)
    assert 0.04 < max(plain.delays_s) <= 0.08


def test_the_interval_holds_the_measure_and_narrows_with_sentences() -> None:
    few = [outcome(errors) for errors in (0, 1, 2, 3)]
    low, high = interval(few, wer)
    assert low < wer(few) == 0.15 < high
    narrow_low, narrow_high = interval(few * 20, wer)
    assert low < narrow_low < 0.15 < narrow_high < high


def test_the_documents_show_what_was_measured() -> None:
    found = {
        each: outcome(
            errors=3 if each.receiver is Receiver.AIORTC and each.loss else 0,
            lost=20 if each.loss else 0,
            recovered=19 if each.receiver is Receiver.RED and each.loss else 0,
        )
        for each in CONDITIONS
    }
    measured = {"mean_burst_packets": MEAN_BURST} | figures([found, found])
    assert measured["red_recovered.loss5"] == 0.95
    assert measured["wer.bursty.loss20.aiortc"] == 0.3
    assert measured["delay_ms.p95.random.loss5.fec"] == 20.0

    text = section(measured)
    rows = [line for line in text.splitlines() if line.startswith("| random, 5% |")]
    assert rows[0] == "| random, 5% | 0.0 (0.0..0.0) | 0.0 (0.0..0.0) | 30.0 (30.0..30.0) |"
    assert rows[2].startswith("| random, 5% | 95.0 decoded, 0.0 thrown away |")
    assert text.count("| none |") == 4
    picture = draw(measured)
    assert picture.count("<polyline") == 2 * len(Pattern) * len(Receiver)
    assert picture.count("<circle") == 2 * len(Pattern) * len(Receiver) * len(LOSSES)


def test_conditions_have_names_of_their_own() -> None:
    assert str(Condition(Pattern.BURSTY, 0.05, Receiver.FEC)) == "bursty.loss5.fec"
    assert len({str(each) for each in CONDITIONS}) == len(CONDITIONS) == 27
