"""Counting into a worker's row of `relay.counters`, and the numbers that verdicts have.

A verdict is an owner's slot, or PUNT, or below it a drop.
"""

from typing import Any

from antiphon_proto.demux import PacketKind
from relay.counters import BATCH_BOUNDS, BATCHED, DROPPED, FORWARDED, Direction
from relay.drop_reason import DropReason
from relay.fast.compiling import jit

PUNT = -1
"""For Python to decide."""


def drop(reason: DropReason) -> int:
    """The verdict that drops a datagram."""
    return PUNT - 1 - DROPPED[reason]


TO_OWNER, TO_CLIENT = (
    FORWARDED[direction][PacketKind.STUN] for direction in (Direction.TO_OWNER, Direction.TO_CLIENT)
)
"""Cells of a direction's first kind."""

TO_OWNER_BATCHES, TO_CLIENT_BATCHES = BATCHED[Direction.TO_OWNER], BATCHED[Direction.TO_CLIENT]

_CELLS_A_KIND = 2
_SIZES = len(BATCH_BOUNDS)


@jit
def count_drop(row: Any, verdict: int) -> None:
    row[PUNT - 1 - verdict] += 1


@jit
def count_packet(row: Any, direction: int, kind: int, size: int) -> None:
    cell = direction + _CELLS_A_KIND * kind
    row[cell] += 1
    row[cell + 1] += size


@jit
def count_batch(row: Any, batches: int, datagrams: int) -> None:
    """`datagrams`, at least one and at most the last bound, were taken at one go."""
    bucket, bound = 0, 1
    while bound < datagrams:
        bucket += 1
        bound *= 2
    row[batches + bucket] += 1
    row[batches + _SIZES] += datagrams
