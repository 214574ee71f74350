"""Which words make a whole turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade import domain
from inference.engines.cascade.turn_detection.completeness import (
    HANGING,
    OPEN,
    UNKNOWN,
    WHOLE,
    completeness,
)


@pytest.mark.parametrize(
    ("likelihood", "transcripts"),
    [
        (
            WHOLE,
            [
                "What is twelve plus thirty?",
                "turn the lights on",
                "what is that",
                "yes it is",
                "i think so",
                "thank you very much",
                "when is the next train",
                "if it rains tomorrow please cancel the party",
                "call 0123456789",
                "Quelle heure est-il ?",
                "今何時ですか。",
            ],
        ),
        (
            UNKNOWN,
            [
                "",
                "  ",
                "what is the weather like",
                "if it rains tomorrow",
                "because the train was late",
                "my pin is one two three four",
            ],
        ),
        (
            OPEN,
            [
                "my number is five five five",
                "five five five one",
                "account 39",
                "set a timer for five",
                "My number is 555.",
            ],
        ),
        (
            HANGING,
            [
                "what is twelve plus",
                "i would like to",
                "set a timer",
                "um",
                "let me see",
                "i think that",
                "I would like a coffee,",
                "It was...",
                "The weather in.",
                "I don\N{RIGHT SINGLE QUOTATION MARK}t know if it\N{RIGHT SINGLE QUOTATION MARK}s",
            ],
        ),
    ],
)
def test_completeness(likelihood: float, transcripts: list[str]) -> None:
    assert {text: completeness(text) for text in transcripts} == dict.fromkeys(
        transcripts, likelihood
    )


def test_what_the_rules_answer_is_whole() -> None:
    questions = {text for text, _ in domain.sentences()}.difference(domain.BACKCHANNELS)
    assert [text for text in questions if completeness(text) < WHOLE] == []


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert HANGING <= completeness(text) <= WHOLE
