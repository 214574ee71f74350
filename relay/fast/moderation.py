"""How long the loop lets packets gather before it takes them.

A wake-up costs more than everything else, and a batch costs little more than a packet.
So under load the loop sleeps before it takes what waits; but it does not when next to
nothing would gather, or when packets are so rare that none came for as long.
"""

from relay.fast.compiling import jit

WORTH_WAITING_FOR = 4
"""Packets that must be expected to gather."""

_WEIGHT = 0.25
"""Of the last round, in the packets a second that are expected."""


@jit
def wait_s(moderation_s: float, rate: float, idle_s: float) -> float:
    """How long to wait now: for all of `moderation_s`, or not at all.

    `rate` is the packets a second of late, `idle_s` how long none came before this one.
    """
    if idle_s > moderation_s or rate * moderation_s < WORTH_WAITING_FOR:
        return 0.0
    return moderation_s


@jit
def new_rate(rate: float, packets: int, elapsed_s: float) -> float:
    """The packets a second, after `packets` more in `elapsed_s`."""
    if elapsed_s <= 0:
        return rate
    return rate + _WEIGHT * (packets / elapsed_s - rate)
