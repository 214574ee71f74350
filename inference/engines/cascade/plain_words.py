"""Text as the words that are heard in it: what two transcripts of the same speech share.

Case, punctuation, spacing and hyphens are how a recogniser writes, and so are digits:
"What is 12 plus 30?" and "what is twelve plus thirty" are the same words. Signs that are
read aloud, such as "+" and "%", are words.
"""

import re
from collections.abc import Iterator

from inference.engines.cascade.number_words import LARGEST, number_words

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[-+*/=<>%&$€£#@](?=\W|\d|$)")


def plain_words(text: str) -> list[str]:
    """The words of `text`, in lower case."""
    return [word for _end, word in word_ends(text)]


def word_ends(text: str) -> Iterator[tuple[int, str]]:
    """Its plain words, each with where what was written for it ends in `text`."""
    for match in _WORD.finditer(text.replace("’", "'")):
        for word in _words(match[0]):
            yield match.end(), word


def _words(written: str) -> list[str]:
    if not written.isdecimal():
        return [written.casefold()]
    number = int(written[: len(str(LARGEST)) + 1])
    if number > LARGEST or str(number) != written:
        return [number_words(int(digit)) for digit in written]
    return number_words(number).split()
