"""The inference benchmark's questions, tables and plot."""

from datetime import datetime
from xml.etree import ElementTree

import pytest

from bench.inference.plot import CONTENDERS, PERCENTS, PIECES, draw
from bench.inference.questions import domain_questions, other_utterances
from bench.inference.summary import BOUNDS, section
from inference.engines.cascade.brain.rules import NOT_UNDERSTOOD, RulesBrain


@pytest.fixture
def rules() -> RulesBrain:
    return RulesBrain(lambda: datetime(2026, 11, 21, 12, 0), lambda: 0.0)


@pytest.fixture
def figures() -> dict[str, float | str]:
    measured: dict[str, float | str] = {bound.key: 0.5 for bound in BOUNDS}
    for contender in CONTENDERS:
        name = f"turn_latency.{contender.name}"
        for percent in PERCENTS:
            measured[f"{name}.p{percent:02}_seconds"] = percent / 100
        for place, (stage, *_) in enumerate(PIECES, start=1):
            measured[f"{name}.{stage}.p50_seconds"] = place / 10
    measured |= {"answers_right.slt.ratio": 0.97, "machine.cores": 2.0, "machine.load_average": 0.1}
    return measured | {
        f"machine.{name}": "x" for name in ("cpu", "architecture", "kernel", "python")
    }


def test_the_rules_know_every_question(rules: RulesBrain) -> None:
    assert [text for text in domain_questions() if rules.reply(text) == NOT_UNDERSTOOD] == []


def test_the_rules_know_no_other_utterance(rules: RulesBrain) -> None:
    assert [text for text in other_utterances() if rules.reply(text) != NOT_UNDERSTOOD] == []


def test_questions_are_many_and_the_same_each_time() -> None:
    for texts in (domain_questions, other_utterances):
        assert len(set(texts())) == 100
        assert texts(10) == texts(10)


def test_the_section_tells_what_was_measured_and_what_was_not(
    figures: dict[str, float | str],
) -> None:
    text = section(figures)
    assert "| slt | 97 | not measured |" in text
    assert "| rules, p50 | 500 ms | at most 330 ms | MISSED |" in text


def test_the_plot_is_well_formed_and_its_bars_end_at_the_medians(
    figures: dict[str, float | str],
) -> None:
    picture = ElementTree.fromstring(draw(figures))
    words = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("500 ms") == len(CONTENDERS)
