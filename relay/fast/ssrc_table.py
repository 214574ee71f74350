"""Announced RTP sources: which owner may get a packet from an unknown address, and how often.

An SSRC's allowance is kept as the time at which it will be whole again, `due`, in
nanoseconds: a packet moves it by one packet's time, and it may be at most a second of
packets away. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from typing import Any

import numpy as np

from relay.fast.chain import unchain
from relay.fast.client_key import ClientKey, bucket_of, owner_key, same_address
from relay.fast.compiling import jit
from relay.fast.layouts import FREE, NONE, i64
from relay.fast.owner_table import claim_life, claim_lives, owner_of, release_life
from relay.fast.table import Table
from relay.flows import SSRC_PACKETS_PER_SECOND

UNKNOWN, LIMITED = -1, -2
"""Instead of an owner's slot."""

SWEPT_AT_ONCE = 10_000

HELD = 1
_SECOND_NS = 1_000_000_000
_PACKET_NS = _SECOND_NS // SSRC_PACKETS_PER_SECOND


@jit
def live_ssrc(table: Table, ssrc: int, now: float) -> int:
    """The slot of an announced source, or NONE."""
    slot = _find(table, ssrc)
    if slot != NONE and not claim_lives(table, table.ssrcs[slot], now):
        return i64(NONE)
    return slot


@jit
def spend_packet(entry: Any, now: float) -> bool:
    """Whether a source's allowance has one more packet, which it then has no more."""
    now_ns = i64(round(now * _SECOND_NS))
    due = max(entry.due, now_ns) + _PACKET_NS
    if due - now_ns > _SECOND_NS:
        return False
    entry.due = due
    return True


@jit
def follow_ssrc(table: Table, ssrc: int, now: float) -> int:
    """The slot of the owner that a packet may go to, which uses one up; or why none."""
    slot = live_ssrc(table, ssrc, now)
    if slot == NONE:
        return UNKNOWN
    if not spend_packet(table.ssrcs[slot], now):
        return LIMITED
    return owner_of(table, table.ssrcs[slot])


@jit
def note_ssrc(
    table: Table, ssrc: int, owner: ClientKey, epoch: Any, expires: float, now: float
) -> None:
    """An owner announces a source; one that another live owner has stays that one's."""
    slot = _find(table, ssrc)
    alive = slot != NONE and claim_lives(table, table.ssrcs[slot], now)
    if alive and not same_address(table.owners[owner_of(table, table.ssrcs[slot])], owner):
        return
    if slot == NONE and table.header[0].ssrcs >= table.header[0].max_ssrcs:
        return
    life = claim_life(table, owner, epoch)
    if life == NONE:
        return
    if slot == NONE:
        slot = _open(table, ssrc)
    else:
        release_life(table, i64(table.ssrcs[slot].life))
    entry = table.ssrcs[slot]
    entry.life, entry.expires = life, expires
    if not alive:
        entry.due = 0


@jit
def restore(table: Table, record: Any, now: float) -> None:
    """Take over a predecessor's source, unless it is another owner's."""
    expires = now + record.seconds_left
    note_ssrc(table, i64(record.ssrc), owner_key(record), record.epoch, expires, now)


@jit
def sweep_ssrcs(table: Table, now: float) -> None:
    """Forget some of those that ended."""
    header = table.header[0]
    for _ in range(min(i64(header.used_ssrcs), SWEPT_AT_ONCE)):
        header.sweep_ssrcs_at += 1
        if header.sweep_ssrcs_at >= header.used_ssrcs:
            header.sweep_ssrcs_at = 0
        entry = table.ssrcs[header.sweep_ssrcs_at]
        if entry.state == HELD and not claim_lives(table, entry, now):
            _remove(table, header.sweep_ssrcs_at)


@jit
def _bucket(table: Table, ssrc: int) -> int:
    nothing = np.uint64(0)
    return bucket_of(table.header[0].seed, nothing, np.uint64(ssrc), nothing, table.ssrc_buckets)


@jit
def _find(table: Table, ssrc: int) -> int:
    slot = i64(table.ssrc_buckets[_bucket(table, ssrc)])
    while slot != NONE and table.ssrcs[slot].ssrc != ssrc:
        slot = i64(table.ssrcs[slot].next)
    return slot


@jit
def _open(table: Table, ssrc: int) -> int:
    header = table.header[0]
    slot = i64(header.free_ssrc)
    if slot == NONE:
        slot = i64(header.used_ssrcs)
        header.used_ssrcs += 1
    else:
        header.free_ssrc = table.ssrcs[slot].next
    entry = table.ssrcs[slot]
    bucket = _bucket(table, ssrc)
    entry.ssrc, entry.state, entry.next = ssrc, HELD, table.ssrc_buckets[bucket]
    table.ssrc_buckets[bucket] = slot
    header.ssrcs += 1
    return slot


@jit
def _remove(table: Table, slot: int) -> None:
    header, entry = table.header[0], table.ssrcs[slot]
    unchain(table.ssrcs, table.ssrc_buckets, _bucket(table, i64(entry.ssrc)), slot)
    release_life(table, i64(entry.life))
    entry.state = FREE
    entry.next = header.free_ssrc
    header.free_ssrc = slot
    header.ssrcs -= 1
