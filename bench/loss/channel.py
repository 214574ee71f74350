"""Which packets a path loses."""

import enum
import random

MEAN_BURST = 3.0
"""Packets, of the bursty path: 60 ms, as a moment of a radio link."""


class Pattern(enum.Enum):
    RANDOM = "random"
    """Each packet on its own."""
    BURSTY = "bursty"
    """Gilbert's two states (https://doi.org/10.1002/j.1538-7305.1960.tb03959.x): all is lost in
    the bad one, which lasts `MEAN_BURST` packets on average, and nothing in the good one."""


def lost(pattern: Pattern, loss: float, count: int, chance: random.Random) -> set[int]:
    """The places of `count` packets that are lost; never the first, which starts the stream."""
    if not loss:
        return set()
    if pattern is Pattern.RANDOM:
        return {index for index in range(1, count) if chance.random() < loss}
    recover = 1 / MEAN_BURST
    fail = loss * recover / (1 - loss)
    bad = chance.random() < loss
    gone = set()
    for index in range(1, count):
        if bad:
            gone.add(index)
        bad = chance.random() >= recover if bad else chance.random() < fail
    return gone
