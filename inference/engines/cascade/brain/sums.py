"""Spoken arithmetic: "twelve plus thirty" to "Twelve plus thirty is forty two."."""

import operator
import re
from collections.abc import Callable

from inference.engines.cascade.number_words import (
    NumberWordsError,
    decimal_words,
    number_words,
    parse_number,
)

_SUM = re.compile(
    r"(.+?) (plus|minus|times|multiplied by|divided by) (.+)",
)
_OPERATIONS: dict[str, Callable[[int, int], float]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "multiplied by": operator.mul,
    "divided by": operator.truediv,
}


class SumError(ValueError):
    """The words are no sum that can be done here."""


def answer_sum(words: str) -> str:
    """A sentence with the sum and its result. Raises SumError."""
    match = _SUM.fullmatch(words)
    if match is None:
        raise SumError(f"{words!r} is no sum")
    try:
        left, right = parse_number(match[1].split()), parse_number(match[3].split())
    except NumberWordsError as error:
        raise SumError(str(error)) from error
    question = f"{number_words(left)} {match[2]} {number_words(right)}".capitalize()
    if match[2] == "divided by" and right == 0:
        return "I cannot divide by zero."
    return f"{question} is {_result(_OPERATIONS[match[2]](left, right))}."


def _result(value: float) -> str:
    try:
        words = decimal_words(value)
    except NumberWordsError:
        return "more than I can count"
    exact = round(value, 2) == value
    return words if exact else f"about {words}"
