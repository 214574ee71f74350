"""Whole numbers as English words, the way the recogniser hears and the voice says them."""

from collections.abc import Sequence

_UNITS = tuple(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen
    """.split()  # noqa: SIM905  (one word a line would be a page)
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNIT_VALUES = {word: value for value, word in enumerate(_UNITS)}
_TEN_VALUES = {word: 10 * value for value, word in enumerate(_TENS, start=2)}
_SCALES = {"hundred": 100, "thousand": 1000}

LARGEST = 999_999


class NumberWordsError(ValueError):
    """The words are no number up to LARGEST."""


def number_words(number: int) -> str:
    """For example "minus forty two", without hyphens. Raises NumberWordsError beyond LARGEST."""
    if abs(number) > LARGEST:
        raise NumberWordsError(f"{number} is too large")
    if number < 0:
        return f"minus {number_words(-number)}"
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_UNITS[units]}" if units else "")
    name, scale = ("hundred", 100) if number < 1000 else ("thousand", 1000)
    count, rest = divmod(number, scale)
    return f"{number_words(count)} {name}" + (f" {number_words(rest)}" if rest else "")


def decimal_words(number: float, digits: int = 2) -> str:
    """For example "two point four"; rounded to `digits` decimals."""
    sign = "minus " if number < 0 else ""
    whole, _, decimals = f"{abs(number):.{digits}f}".rstrip("0").partition(".")
    text = sign + number_words(int(whole))
    if decimals:
        text += " point " + " ".join(_UNITS[int(digit)] for digit in decimals)
    return text


def parse_number(words: Sequence[str]) -> int:
    """Read what `number_words` gives for a number from 0 up, or digits.

    Raises NumberWordsError for anything else.
    """
    if len(words) == 1 and words[0].isascii() and words[0].isdigit():
        number = int(words[0][:7])
    else:
        number = _parse(words)
    if number > LARGEST:
        raise NumberWordsError("the number is too large")
    return number


def _parse(words: Sequence[str]) -> int:
    """Add up what the words say, then hold the result to how it is said."""
    total = group = 0
    for word in words:
        if word in _SCALES:
            group *= _SCALES[word]
            if word == "thousand":
                total, group = total + group, 0
        else:
            value = _UNIT_VALUES.get(word, _TEN_VALUES.get(word))
            if value is None:
                raise NumberWordsError(f"{word!r} is no number")
            group += value
    if total + group > LARGEST or number_words(total + group).split() != list(words):
        raise NumberWordsError(f"{' '.join(words)!r} is no number")
    return total + group
