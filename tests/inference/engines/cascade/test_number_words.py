"""Numbers to words and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.number_words import (
    LARGEST,
    NumberWordsError,
    decimal_words,
    number_words,
    parse_number,
)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (42, "forty two"),
        (100, "one hundred"),
        (305, "three hundred five"),
        (9900, "nine thousand nine hundred"),
        (-8, "minus eight"),
    ],
)
def test_words(number: int, words: str) -> None:
    assert number_words(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2.5, "two point five"),
        (4.0, "four"),
        (-0.25, "minus zero point two five"),
        (10 / 3, "three point three three"),
        (100.0, "one hundred"),
    ],
)
def test_decimals(number: float, words: str) -> None:
    assert decimal_words(number) == words


@given(st.integers(0, LARGEST))
def test_round_trip(number: int) -> None:
    assert parse_number(number_words(number).split()) == number


@pytest.mark.parametrize(
    "words",
    ["", "forty forty", "two forty", "cat", "forty cat", "hundred", "minus two", "9" * 30, "²"],
)
def test_what_is_no_number(words: str) -> None:
    with pytest.raises(NumberWordsError):
        parse_number(words.split())


def test_too_large_for_words() -> None:
    with pytest.raises(NumberWordsError):
        number_words(LARGEST + 1)


@given(
    st.lists(
        st.sampled_from(
            ["zero", "two", "ten", "twenty", "hundred", "thousand", "minus", "cat", "7"]
        )
    )
)
def test_any_words_give_a_number_or_the_documented_error(words: list[str]) -> None:
    try:
        number = parse_number(words)
    except NumberWordsError:
        return
    assert number_words(number).split() == words or words == [str(number)]
