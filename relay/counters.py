"""Counts that worker processes write and the supervisor serves as metrics.

One block of memory is shared by all: a row of 64-bit cells for each worker,
which alone writes it, so there is no lock. A reader may see a packet counted
before its bytes. A restarted worker goes on where the row stands, so that the
counters of the relay never run backwards.
"""

import ctypes
from collections.abc import Mapping
from enum import Enum
from multiprocessing import get_context

from antiphon_proto.demux import PacketKind
from relay.drop_reason import DropReason


class Direction(Enum):
    """Which way a packet went; the value is the metrics' `direction` label."""

    TO_OWNER = "to_owner"
    TO_CLIENT = "to_client"


# A row: packets and bytes for each direction and kind, then drops, then the rest.
_FORWARDED: Mapping[Direction, Mapping[PacketKind, int]] = {
    direction: {kind: 2 * (row * len(PacketKind) + i) for i, kind in enumerate(PacketKind)}
    for row, direction in enumerate(Direction)
}
_DROPPED: Mapping[DropReason, int] = {
    reason: 2 * len(Direction) * len(PacketKind) + i for i, reason in enumerate(DropReason)
}
_FLOWS = 2 * len(Direction) * len(PacketKind) + len(DropReason)
_EVICTIONS = _FLOWS + 1
_RECEIVE_ERRORS = _FLOWS + 2
_ROW = _FLOWS + 3


class WorkerCounters:
    """One worker's row."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._evictions_before = cells[_EVICTIONS]
        self._to_owner = _FORWARDED[Direction.TO_OWNER]
        self._to_client = _FORWARDED[Direction.TO_CLIENT]

    def sent_to_owner(self, kind: PacketKind, size: int) -> None:
        """A client's datagram of `size` bytes, without the tunnel's, went to its owner."""
        cell = self._to_owner[kind]
        self._cells[cell] += 1
        self._cells[cell + 1] += size

    def sent_to_client(self, kind: PacketKind, size: int) -> None:
        """An owner's payload of `size` bytes went to its client."""
        cell = self._to_client[kind]
        self._cells[cell] += 1
        self._cells[cell + 1] += size

    def dropped(self, reason: DropReason) -> None:
        self._cells[_DROPPED[reason]] += 1

    def receive_error(self) -> None:
        """A receive call failed for another reason than an empty socket."""
        self._cells[_RECEIVE_ERRORS] += 1

    def flow_table(self, flows: int, evictions: int) -> None:
        """The flow table's size, and its evictions since this process started."""
        self._cells[_FLOWS] = flows
        self._cells[_EVICTIONS] = self._evictions_before + evictions


class CounterTable:
    """The rows of all workers. Pickles, to a process being spawned only, as a reference."""

    def __init__(self, workers: int) -> None:
        self._cells = get_context("spawn").RawArray(ctypes.c_uint64, workers * _ROW)

    def worker(self, index: int) -> WorkerCounters:
        """The row of one worker, for that worker's process to write."""
        cells = memoryview(self._cells).cast("B").cast("Q")
        return WorkerCounters(cells[index * _ROW : (index + 1) * _ROW])

    def packets(self, direction: Direction, kind: PacketKind) -> int:
        return self._total(_FORWARDED[direction][kind])

    def bytes(self, direction: Direction, kind: PacketKind) -> int:
        return self._total(_FORWARDED[direction][kind] + 1)

    def drops(self, reason: DropReason) -> int:
        return self._total(_DROPPED[reason])

    @property
    def flows(self) -> int:
        return self._total(_FLOWS)

    @property
    def evictions(self) -> int:
        return self._total(_EVICTIONS)

    @property
    def receive_errors(self) -> int:
        return self._total(_RECEIVE_ERRORS)

    def _total(self, cell: int) -> int:
        return sum(self._cells[cell::_ROW])
