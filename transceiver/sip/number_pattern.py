"""Patterns of numbers, as dial plans of telephony have them.

    100, +15551234567, agent    that number or name
    _+1555XXXXXXX               behind `_`: X any digit, Z 1 to 9, N 2 to 9, [1-36] one of
                                those, and at the end `.` anything, `!` anything or nothing

https://docs.asterisk.org/Configuration/Dialplan/Pattern-Matching/
"""

import re
from dataclasses import dataclass

MAX_PATTERN_CHARS = 128

_CLASSES = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
_PART = re.compile(r"\[(?:[0-9A-Za-z*#+](?:-[0-9A-Za-z])?)+\]|[^\[\]!.]")
_RANGE = re.compile(r"(.)-(.)")


class NumberPatternError(ValueError):
    """The text is no pattern."""


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """Matching takes time in proportion to the number's length."""

    parts: tuple[frozenset[str], ...]
    """What each character may be."""
    further: range = range(1)
    """How many characters may stand behind them."""

    @classmethod
    def parse(cls, text: str) -> "NumberPattern":
        """Raises NumberPatternError."""
        if not text or len(text) > MAX_PATTERN_CHARS or not text.isprintable():
            raise NumberPatternError("a number is 1 to 128 printable characters")
        if not text.startswith("_"):
            return cls(tuple(frozenset(char) for char in text))
        return cls._of_wildcards(text[1:])

    @classmethod
    def _of_wildcards(cls, text: str) -> "NumberPattern":
        endings = {".": range(1, 1 << 20), "!": range(1 << 20)}
        further = endings.get(text[-1:], range(1))
        body = text[:-1] if text[-1:] in endings else text
        parts = _PART.findall(body)
        if "".join(parts) != body or not text:
            raise NumberPatternError("[ ] hold characters and ranges, and . or ! stands at the end")
        return cls(tuple(_choices(part) for part in parts), further)

    def matches(self, number: str) -> bool:
        if len(number) - len(self.parts) not in self.further:
            return False
        return all(char in part for char, part in zip(number, self.parts, strict=False))


def _choices(part: str) -> frozenset[str]:
    """Raises NumberPatternError for a range that runs backwards."""
    if not part.startswith("["):
        return frozenset(_CLASSES.get(part, part))
    chars = part[1:-1]
    chosen = set(_RANGE.sub("", chars))
    for first, last in _RANGE.findall(chars):
        if first > last:
            raise NumberPatternError(f"the range {first}-{last} runs backwards")
        chosen.update(map(chr, range(ord(first), ord(last) + 1)))
    return frozenset(chosen)
