"""Where the words of a text end in its speech, from where espeak-ng says that they begin."""

import re
from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.engines.cascade.leading_silence import INAUDIBLE

_WORD = re.compile(r"\S+")

Samples = NDArray[np.int16]


class WordBoundary(NamedTuple):
    text_end: int
    """Characters of the text up to there, punctuation included."""
    sample: int
    """Behind the last loud one."""


class WordTimings:
    """Follows one piece: tell each chunk of its audio, then the words that begin in it.

    A word is what stands between spaces: "twelve-thirty" ends once, though it is spoken as two.
    It ends with its sound, not with the pause behind it: who is cut off there has said it.
    """

    def __init__(self, text: str) -> None:
        words = list(_WORD.finditer(text))
        self._starts = [word.start() for word in words]
        self._ends = [word.end() for word in words]
        self._begun = -1
        """Index of the word that is being spoken."""
        self._samples = 0
        self._loud: NDArray[np.intp] = np.empty(0, np.intp)
        """Of the newest chunk."""
        self._sound_end = 0
        """Behind the last loud sample before the newest chunk."""

    def hear(self, samples: Samples) -> None:
        """The next chunk of audio."""
        if self._loud.size:
            self._sound_end = int(self._loud[-1]) + 1
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > INAUDIBLE)
        self._loud = loud + self._samples
        self._samples += len(samples)

    def begin(self, text_position: int, sample: int) -> WordBoundary | None:
        """What stands at character `text_position` begins at `sample`: where the word before ends.

        None for the first word, and for more of the same word.
        """
        begun, before = bisect_right(self._starts, text_position) - 1, self._begun
        if begun <= before:
            return None
        self._begun = begun
        return (
            None if before < 0 else WordBoundary(self._ends[begun - 1], self._silent_from(sample))
        )

    def finish(self) -> WordBoundary | None:
        """All was spoken: the last word's end, if there was one."""
        if self._begun < 0:
            return None
        return WordBoundary(self._ends[-1], self._silent_from(self._samples))

    def _silent_from(self, sample: int) -> int:
        """Behind the last loud sample before `sample`."""
        loud = self._loud[self._loud < sample]
        return int(loud[-1]) + 1 if loud.size else min(self._sound_end, sample)
