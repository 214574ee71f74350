"""Counts that worker processes write and the supervisor serves as metrics.

One block of memory is shared by all. A worker has two rows of 64-bit cells, one
for each of its threads, which alone writes it, so there is no lock. A reader may
see a packet counted before its bytes. A restarted worker goes on where its rows
stand, so that the counters of the relay never run backwards.
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


class Thread(Enum):
    """Which of a worker's threads writes a row."""

    FAST = 0
    """The compiled loop; unused without it."""
    CONTROL = 1
    """Ordinary Python."""


class Tally(Enum):
    """Counters and gauges besides packets and drops; the value names no metric."""

    BOUND_FLOWS = "bound_flows"
    PROVISIONAL_FLOWS = "provisional_flows"
    SSRCS = "ssrcs"
    EVICTIONS = "evictions"
    RECEIVE_ERRORS = "receive_errors"
    PUNTS = "punts"
    """Datagrams that the compiled loop left to Python."""
    TUNNEL_DATAGRAMS_SENT = "tunnel_datagrams_sent"
    """Datagrams to owners, each of one or more frames."""
    MODERATION_NANOSECONDS = "moderation_nanoseconds"
    """Gauge: how long the compiled loop lets packets gather at present."""
    WAKE_UPS = "wake_ups"
    """Rounds of the loop that found something to receive."""
    FAST_PATH = "fast_path"
    """Gauge: 1 where the compiled loop runs."""
    PHONE_PORTS = "phone_ports"
    LEASED_PORTS = "leased_ports"
    """Gauges, as the flows are."""
    LEASES_REFUSED = "leases_refused"
    TRANSIT_TO_OWNER = "transit_to_owner"
    """Tunnel datagrams of other clusters' relays that were sent on."""
    TRANSIT_TO_RELAY = "transit_to_relay"
    """Tunnel datagrams of owners that were sent on to other clusters' relays."""
    REMOTE_RELAYS = "remote_relays"
    REMOTE_RELAYS_ANSWERING = "remote_relays_answering"
    """Gauges: relay workers of other clusters that are known, and those that answer."""


BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Upper bounds of the histogram of datagrams taken at one go; the last holds a full batch."""

MAX_CONFIG_IDS = 8

# A row: packets and bytes for each direction and kind, then drops, tallies, checks by
# config id, and for each direction the batches by size and their sum.
FORWARDED: Mapping[Direction, Mapping[PacketKind, int]] = {
    direction: {kind: 2 * (row * len(PacketKind) + i) for i, kind in enumerate(PacketKind)}
    for row, direction in enumerate(Direction)
}
"""Cell of the packets; the next cell holds their bytes."""

_DROPS_AT = 2 * len(Direction) * len(PacketKind)
DROPPED: Mapping[DropReason, int] = {reason: _DROPS_AT + i for i, reason in enumerate(DropReason)}
_TALLIES_AT = _DROPS_AT + len(DropReason)
TALLIED: Mapping[Tally, int] = {tally: _TALLIES_AT + i for i, tally in enumerate(Tally)}
_CONFIGS_AT = _TALLIES_AT + len(Tally)
_BATCHES_AT = _CONFIGS_AT + MAX_CONFIG_IDS
BATCHED: Mapping[Direction, int] = {
    direction: _BATCHES_AT + i * (len(BATCH_BOUNDS) + 1) for i, direction in enumerate(Direction)
}
"""First of the cells that count batches by `BATCH_BOUNDS`, then one with the datagrams."""

ROW_CELLS = _BATCHES_AT + len(Direction) * (len(BATCH_BOUNDS) + 1)


class WorkerCounters:
    """One row: what one thread of one worker counted."""

    def __init__(self, cells: memoryview) -> None:
        self.cells = cells
        """`ROW_CELLS` unsigned 64-bit cells."""
        self._refused_before = cells[TALLIED[Tally.LEASES_REFUSED]]
        self._evictions_before = cells[TALLIED[Tally.EVICTIONS]]
        self._to_owner = FORWARDED[Direction.TO_OWNER]
        self._to_client = FORWARDED[Direction.TO_CLIENT]

    def sent_to_owner(self, kind: PacketKind, size: int) -> None:
        """A client's datagram of `size` bytes, without the tunnel's, went to its owner."""
        cell = self._to_owner[kind]
        self.cells[cell] += 1
        self.cells[cell + 1] += size

    def sent_to_client(self, kind: PacketKind, size: int) -> None:
        """An owner's payload of `size` bytes went to its client."""
        cell = self._to_client[kind]
        self.cells[cell] += 1
        self.cells[cell + 1] += size

    def dropped(self, reason: DropReason) -> None:
        self.cells[DROPPED[reason]] += 1

    def add(self, tally: Tally, amount: int = 1) -> None:
        self.cells[TALLIED[tally]] += amount

    def gauge(self, tally: Tally, value: int) -> None:
        self.cells[TALLIED[tally]] = value

    def evicted(self, since_start: int) -> None:
        """Evictions since this process started."""
        self.cells[TALLIED[Tally.EVICTIONS]] = self._evictions_before + since_start

    def leases_refused(self, since_start: int) -> None:
        """Requests for phone ports, since this process started."""
        self.cells[TALLIED[Tally.LEASES_REFUSED]] = self._refused_before + since_start

    def check_verified(self, config_id: int) -> None:
        """A check authenticated under the config of this id."""
        self.cells[_CONFIGS_AT + config_id] += 1

    def batch(self, direction: Direction, datagrams: int) -> None:
        """`datagrams`, at least one, were taken at one go."""
        at = BATCHED[direction]
        bucket = next(i for i, bound in enumerate(BATCH_BOUNDS) if datagrams <= bound)
        self.cells[at + bucket] += 1
        self.cells[at + len(BATCH_BOUNDS)] += datagrams


class CounterTable:
    """The rows of all workers. Pickles, to a process being started only, as a reference."""

    def __init__(self, workers: int) -> None:
        self._cells = get_context("spawn").RawArray(
            ctypes.c_uint64, workers * len(Thread) * ROW_CELLS
        )

    def worker(self, index: int, thread: Thread = Thread.CONTROL) -> WorkerCounters:
        """One row, for that thread of that worker's process to write."""
        cells = memoryview(self._cells).cast("B").cast("Q")
        at = (index * len(Thread) + thread.value) * ROW_CELLS
        return WorkerCounters(cells[at : at + ROW_CELLS])

    def packets(self, direction: Direction, kind: PacketKind) -> int:
        return self._total(FORWARDED[direction][kind])

    def bytes(self, direction: Direction, kind: PacketKind) -> int:
        return self._total(FORWARDED[direction][kind] + 1)

    def forwarded(self) -> int:
        """Packets of any kind, in both directions, and datagrams in transit."""
        packets = sum(self.packets(way, kind) for way in Direction for kind in PacketKind)
        transit = self.tally(Tally.TRANSIT_TO_OWNER) + self.tally(Tally.TRANSIT_TO_RELAY)
        return packets + transit

    def drops(self, reason: DropReason) -> int:
        return self._total(DROPPED[reason])

    def tally(self, tally: Tally) -> int:
        """The sum over all rows."""
        return self._total(TALLIED[tally])

    def tally_of(self, index: int, tally: Tally) -> int:
        """The sum over one worker's rows."""
        return sum(self.worker(index, thread).cells[TALLIED[tally]] for thread in Thread)

    def checks_verified(self, config_id: int) -> int:
        return self._total(_CONFIGS_AT + config_id)

    def batches(self, direction: Direction) -> tuple[list[int], int]:
        """Batches by `BATCH_BOUNDS`, not cumulative, and the datagrams in all of them."""
        at = BATCHED[direction]
        sizes = [self._total(at + i) for i in range(len(BATCH_BOUNDS))]
        return sizes, self._total(at + len(BATCH_BOUNDS))

    def _total(self, cell: int) -> int:
        return sum(self._cells[cell::ROW_CELLS])
