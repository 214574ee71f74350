"""The loop of a worker's thread: wait, let packets gather, move them, until told to stop."""

from typing import Any, NamedTuple

import numpy as np

from relay.counters import TALLIED, Tally
from relay.fast import libc
from relay.fast.compiling import entry, jit
from relay.fast.counting import TO_CLIENT_BATCHES, TO_OWNER_BATCHES, count_batch
from relay.fast.downlink import (
    Downlink,
    assemble_transit,
    count_delivered,
    count_dropped,
    count_transit,
    deliver_some,
    judge_datagrams,
    new_downlink,
)
from relay.fast.layouts import POLLFD, i64
from relay.fast.message_arrays import Outbox, new_outbox, rearm, receive, send
from relay.fast.moderation import new_rate, wait_s
from relay.fast.punt import PUBLIC_PUNT_LOST, TUNNEL_PUNT_LOST, send_punts
from relay.fast.signature import Like
from relay.fast.table import lock, open_table, unlock
from relay.fast.uplink import (
    BATCH,
    Uplink,
    assemble,
    count_sent,
    count_verdicts,
    judge_batch,
    new_uplink,
)

NO_SOCKET = -1

CONTROL = np.dtype(
    [
        ("public_ipv4", "i4"),
        ("public_ipv6", "i4"),
        ("tunnel", "i4"),
        ("public_punts", "i4"),
        ("tunnel_punts", "i4"),
        ("stop", "i4"),
        ("moderation_us", "i8"),
    ],
    align=True,
)
"""Descriptors, or NO_SOCKET; and what Python tells the loop."""

_IDLE_MS = 1000
"""The longest wait for a packet, after which the stop flag is looked at."""

_ROUNDS = 16
"""Times that full batches are taken before the loop looks up."""

_ERROR_PAUSE_US = 1000
"""After a failed receive, lest an error that stays keep the loop busy."""

_NANO = 1_000_000_000
_MICRO = 1_000_000
_RECEIVE_ERRORS = TALLIED[Tally.RECEIVE_ERRORS]
_WAKE_UPS = TALLIED[Tally.WAKE_UPS]
_MODERATION = TALLIED[Tally.MODERATION_NANOSECONDS]


class Memory(NamedTuple):
    """All that the loop works with; none of it may go while it runs."""

    table: Any
    """The block of a flow table."""
    control: Any
    polled: Any
    clock: Any
    row: Any
    """The cells of a row of counters, as signed numbers."""
    uplink: Uplink
    downlink: Downlink
    punts: Outbox


def new_polled(descriptors: list[int]) -> Any:
    """What poll is to watch; it passes over NO_SOCKET."""
    polled = np.zeros(len(descriptors), POLLFD)
    polled["descriptor"] = descriptors
    polled["events"] = libc.POLLIN
    return polled


def new_memory(table: Any, row: Any, watched: list[int], **control: int) -> Memory:
    """For a loop over the sockets that `control` names, which it watches."""
    fields = np.full(1, NO_SOCKET, CONTROL)
    fields["stop"] = 0
    for name, value in control.items():
        fields[name] = value
    return Memory(
        table,
        fields,
        new_polled(watched),
        np.zeros(2, np.int64),
        row,
        new_uplink(),
        new_downlink(),
        new_outbox(BATCH, BATCH, 0),
    )


def _example() -> Memory:
    return new_memory(np.zeros(0, np.uint8), np.zeros(0, np.int64), [])


@entry(Like(_example))
def run(memory: Memory) -> None:
    """Move datagrams until `control` says stop."""
    control, row = memory.control[0], memory.row
    rate, last = 0.0, _now(memory)
    while control.stop == 0:
        waited_from = _now(memory)
        if libc.poll(memory.polled.ctypes.data, len(memory.polled), _IDLE_MS) <= 0:
            row[_MODERATION] = 0
            continue
        idle_s = _now(memory) - waited_from
        pause_s = wait_s(control.moderation_us / _MICRO, rate, idle_s)
        row[_MODERATION] = i64(pause_s * _NANO)
        if pause_s > 0:
            libc.usleep(i64(pause_s * _MICRO))
        packets = _drain(memory)
        now = _now(memory)
        rate, last = new_rate(rate, packets, now - last), now
        if packets > 0:
            row[_WAKE_UPS] += 1
    row[_MODERATION] = 0


@jit
def _now(memory: Memory) -> float:
    """Seconds, as `time.monotonic` counts them."""
    clock = memory.clock
    libc.clock_gettime(libc.CLOCK_MONOTONIC, clock.ctypes.data)
    return float(clock[0] + clock[1] / _NANO)


@jit
def _drain(memory: Memory) -> int:
    """Take batches while they are full; returns the number of datagrams."""
    total = i64(0)
    for _ in range(_ROUNDS):
        full = False
        for public in (memory.control[0].public_ipv4, memory.control[0].public_ipv6):
            if public != NO_SOCKET:
                received = _move_up(memory, public)
                total += received
                full = full or received == len(memory.uplink.verdicts)
        received = _move_down(memory)
        total += received
        if not full and received < len(memory.downlink.verdicts):
            break
    return total


@jit
def _move_up(memory: Memory, public: int) -> int:
    """One batch from clients; returns the number of its datagrams."""
    uplink, row, control = memory.uplink, memory.row, memory.control[0]
    received = _receive(public, uplink.inbox, row)
    if received == 0:
        return received
    table = open_table(memory.table)
    now = _now(memory)
    lock(table)
    judge_batch(table, uplink, received, now)
    messages = assemble(table, uplink, received)
    unlock(table)
    send(control.tunnel, uplink.outbox, messages)
    count_sent(uplink, messages, row)
    send_punts(
        control.public_punts,
        uplink.inbox,
        uplink.verdicts,
        received,
        memory.punts,
        row,
        PUBLIC_PUNT_LOST,
    )
    count_verdicts(uplink, received, row)
    count_batch(row, TO_OWNER_BATCHES, received)
    rearm(uplink.inbox, received)
    return received


@jit
def _move_down(memory: Memory) -> int:
    """One batch from owners; returns the number of its datagrams."""
    downlink, row, control = memory.downlink, memory.row, memory.control[0]
    received = _receive(control.tunnel, downlink.inbox, row)
    if received == 0:
        return received
    table = open_table(memory.table)
    now = _now(memory)
    lock(table)
    judge_datagrams(table, downlink, received)
    in_transit = assemble_transit(downlink, received)
    unlock(table)
    send(control.tunnel, downlink.transit, in_transit)
    count_transit(downlink, in_transit, row)
    more = True
    while more:
        lock(table)
        more = deliver_some(
            table,
            downlink,
            received,
            control.public_ipv4 != NO_SOCKET,
            control.public_ipv6 != NO_SOCKET,
            now,
            row,
        )
        unlock(table)
        send(control.public_ipv4, downlink.ipv4.outbox, downlink.ipv4.count[0])
        send(control.public_ipv6, downlink.ipv6.outbox, downlink.ipv6.count[0])
        count_delivered(downlink.ipv4, row)
        count_delivered(downlink.ipv6, row)
    send_punts(
        control.tunnel_punts,
        downlink.inbox,
        downlink.verdicts,
        received,
        memory.punts,
        row,
        TUNNEL_PUNT_LOST,
    )
    count_dropped(downlink, received, row)
    count_batch(row, TO_CLIENT_BATCHES, received)
    rearm(downlink.inbox, received)
    return received


@jit
def _receive(descriptor: int, inbox: Any, row: Any) -> int:
    """The number of datagrams; an error is counted, and nothing more."""
    received = receive(descriptor, inbox)
    if received >= 0:
        return received
    row[_RECEIVE_ERRORS] += 1
    libc.usleep(_ERROR_PAUSE_US)
    return i64(0)
