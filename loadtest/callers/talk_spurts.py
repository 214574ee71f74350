"""Speech on and off, whatever is answered."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_S = 0.2
"""Shorter pauses are gaps between words, and shorter spurts no words."""


@dataclass(frozen=True, slots=True)
class SpokenFrame:
    """20 ms of speech."""

    utterance: int
    frame: int
    """Within the utterance."""
    spurt: bool
    """Whether a talk spurt begins with it: RTP's marker."""


class TalkSpurts:
    """Utterances one after the other from a random one on, cut into spurts and pauses.

    Both have exponential lengths, as people's have: https://www.itu.int/rec/T-REC-P.59
    """

    def __init__(
        self,
        lengths: Sequence[int],
        chance: random.Random,
        *,
        spurt_s: float | None,
        pause_s: float,
        starts_at: float,
    ) -> None:
        """`lengths` are in frames; without `spurt_s` there are no pauses."""
        self._lengths = lengths
        self._chance = chance
        self._spurt_s, self._pause_s = spurt_s, pause_s
        self._utterance = chance.randrange(len(lengths))
        self._frame = -1
        self._speaking = False
        self._changes_at = starts_at

    def frame(self, now: float) -> SpokenFrame | None:
        """What is to be sent in these 20 ms."""
        begins = False
        if now >= self._changes_at:
            self._speaking = not self._speaking
            begins = self._speaking
            self._changes_at = now + self._length()
        if not self._speaking:
            return None
        self._frame += 1
        if self._frame >= self._lengths[self._utterance]:
            self._utterance = (self._utterance + 1) % len(self._lengths)
            self._frame = 0
        return SpokenFrame(self._utterance, self._frame, begins)

    def _length(self) -> float:
        if self._spurt_s is None:
            return float("inf")
        mean = self._spurt_s if self._speaking else self._pause_s
        return max(self._chance.expovariate(1 / mean), LEAST_S)
