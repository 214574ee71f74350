"""Flows in the table's memory: the rules of `relay.flow_table`, compiled.

Slots of provisional flows are linked in the order in which the flows were opened.
"""

from typing import Any

from relay.fast.chain import unchain
from relay.fast.client_key import ClientKey, address_bucket, client_key, owner_key, same_address
from relay.fast.compiling import jit
from relay.fast.layouts import BOUND, FREE, NONE, PROVISIONAL, SIGNALLED, i64
from relay.fast.owner_table import NO_EPOCH, claim_life, claim_lives, owner_of, release_life
from relay.fast.table import Table
from relay.flows import AMPLIFICATION_LIMIT, NO_UFRAG, PROVISIONAL_SECONDS, REBINDING_CREDIT

ACCEPTED, CONFLICT, FULL = 0, 1, 2
"""Admissions."""

SWEPT_AT_ONCE = 10_000
"""Bounds the time of one sweep to about a tenth of a millisecond."""

_MOST_BYTES = 0xFFFFFFFF


@jit
def find_flow(table: Table, key: ClientKey) -> int:
    """The slot of a client's flow, alive or not, or NONE."""
    bucket = address_bucket(table.header[0].seed, key, table.flow_buckets)
    slot = i64(table.flow_buckets[bucket])
    while slot != NONE and not same_address(table.flows[slot], key):
        slot = i64(table.flows[slot].next)
    return slot


@jit
def live_flow(table: Table, key: ClientKey, now: float) -> int:
    """The slot of a client's live flow, or NONE; forgets one that ended."""
    slot = find_flow(table, key)
    if slot != NONE and not claim_lives(table, table.flows[slot], now):
        remove_flow(table, slot)
        return i64(NONE)
    return slot


@jit
def is_bound(flow: Any) -> bool:
    """Signalled ones are, too."""
    return bool(flow.state == BOUND or flow.state == SIGNALLED)


@jit
def add_received(flow: Any, size: int) -> None:
    if flow.state == PROVISIONAL:
        flow.received = min(i64(flow.received) + size, _MOST_BYTES)


@jit
def may_send(table: Table, key: ClientKey, size: int, now: float) -> bool:
    """Whether a client may be sent `size` bytes; counts them."""
    slot = live_flow(table, key, now)
    if slot == NONE or is_bound(table.flows[slot]):
        return True
    flow = table.flows[slot]
    total = i64(flow.sent) + size
    if total > AMPLIFICATION_LIMIT * i64(flow.received):
        return False
    flow.sent = min(total, _MOST_BYTES)
    return True


@jit
def check_verified(
    table: Table, key: ClientKey, owner: ClientKey, mark: int, size: int, now: float, open_new: bool
) -> int:
    """What an authenticated check does to its source's flow."""
    slot = live_flow(table, key, now)
    if slot == NONE:
        if not open_new or not _make_room(table):
            return FULL
        life = claim_life(table, owner, NO_EPOCH)
        if life == NONE:
            return FULL
        slot = _open(table, key, life)
    else:
        same = same_address(table.owners[owner_of(table, table.flows[slot])], owner)
        if is_bound(table.flows[slot]):
            if not same:
                return CONFLICT
            table.flows[slot].mark = mark
            return ACCEPTED
        if not same:
            life = claim_life(table, owner, NO_EPOCH)
            if life == NONE:
                return FULL
            _repoint(table, slot, life)
    flow = table.flows[slot]
    flow.mark = mark
    flow.expires = now + PROVISIONAL_SECONDS
    add_received(flow, size)
    return ACCEPTED


@jit
def bind(
    table: Table,
    key: ClientKey,
    owner: ClientKey,
    epoch: Any,
    lifetime: float,
    confirmed: bool,
    signalled: bool,
    now: float,
) -> int:
    """What an owner's claim does to a client's flow."""
    slot = live_flow(table, key, now)
    if slot == NONE and not _make_room(table):
        return FULL
    same = slot != NONE and same_address(table.owners[owner_of(table, table.flows[slot])], owner)
    held = i64(table.flows[slot].state) if slot != NONE else i64(FREE)
    if not same and (held == BOUND or (held == SIGNALLED and not confirmed)):
        return CONFLICT
    life = claim_life(table, owner, epoch)
    if life == NONE:
        return FULL
    if slot == NONE:
        slot = _open(table, key, life)
    else:
        _repoint(table, slot, life)
        if not same:
            table.flows[slot].mark = NO_UFRAG
    if confirmed or (same and held == BOUND):
        _confirm(table, slot, now + lifetime, BOUND)
    elif signalled or (same and held == SIGNALLED):
        _confirm(table, slot, now + lifetime, SIGNALLED)
    else:
        _vouch(table.flows[slot], now)
    return ACCEPTED


@jit
def unbind(table: Table, key: ClientKey, owner: ClientKey) -> None:
    slot = find_flow(table, key)
    if slot == NONE:
        return
    if same_address(table.owners[owner_of(table, table.flows[slot])], owner):
        remove_flow(table, slot)


@jit
def restore(table: Table, record: Any, now: float) -> None:
    """Take over a predecessor's flow, unless the client has one, or the record is of none."""
    state = i64(record.state)
    if state not in (PROVISIONAL, BOUND, SIGNALLED):
        return
    key = client_key(record.hi, record.lo, record.port, record.family)
    if live_flow(table, key, now) != NONE or not _make_room(table):
        return
    life = claim_life(table, owner_key(record), record.epoch)
    if life == NONE:
        return
    slot = _open(table, key, life)
    flow = table.flows[slot]
    flow.expires, flow.mark = now + record.seconds_left, record.mark
    flow.received, flow.sent = record.received, record.sent
    if state != PROVISIONAL:
        _confirm(table, slot, flow.expires, state)


@jit
def sweep_flows(table: Table, now: float) -> None:
    """Forget flows that ended: the provisional ones from the oldest on, some of the others."""
    header = table.header[0]
    while header.oldest != NONE and not claim_lives(table, table.flows[header.oldest], now):
        remove_flow(table, i64(header.oldest))
    for _ in range(min(i64(header.used_flows), SWEPT_AT_ONCE)):
        header.sweep_flows_at += 1
        if header.sweep_flows_at >= header.used_flows:
            header.sweep_flows_at = 0
        flow = table.flows[header.sweep_flows_at]
        if is_bound(flow) and not claim_lives(table, flow, now):
            remove_flow(table, header.sweep_flows_at)


@jit
def remove_flow(table: Table, slot: int) -> None:
    header, flow = table.header[0], table.flows[slot]
    key = ClientKey(flow.hi, flow.lo, flow.port, flow.family)
    bucket = address_bucket(header.seed, key, table.flow_buckets)
    unchain(table.flows, table.flow_buckets, bucket, slot)
    if flow.state == PROVISIONAL:
        _leave_provisional(table, slot)
    else:
        header.bound -= 1
    release_life(table, i64(flow.life))
    flow.state = FREE
    flow.next = header.free_flow
    header.free_flow = slot


@jit
def _make_room(table: Table) -> bool:
    """Have room for one more flow, for which the oldest provisional one may have to go."""
    header = table.header[0]
    if header.bound + header.provisional < header.max_flows:
        return True
    if header.oldest == NONE:
        return False
    remove_flow(table, i64(header.oldest))
    header.evictions += 1
    return True


@jit
def _open(table: Table, key: ClientKey, life: int) -> int:
    """A new provisional flow, in a table that has room."""
    header = table.header[0]
    slot = i64(header.free_flow)
    if slot == NONE:
        slot = i64(header.used_flows)
        header.used_flows += 1
    else:
        header.free_flow = table.flows[slot].next
    flow = table.flows[slot]
    flow.hi, flow.lo, flow.port, flow.family = key.hi, key.lo, key.port, key.family
    flow.life, flow.mark, flow.received, flow.sent = life, NO_UFRAG, 0, 0
    flow.state = PROVISIONAL
    bucket = address_bucket(header.seed, key, table.flow_buckets)
    flow.next = table.flow_buckets[bucket]
    table.flow_buckets[bucket] = slot
    flow.older, flow.newer = header.newest, NONE
    if header.newest == NONE:
        header.oldest = slot
    else:
        table.flows[header.newest].newer = slot
    header.newest = slot
    header.provisional += 1
    return slot


@jit
def _leave_provisional(table: Table, slot: int) -> None:
    header, flow = table.header[0], table.flows[slot]
    if flow.older == NONE:
        header.oldest = flow.newer
    else:
        table.flows[flow.older].newer = flow.newer
    if flow.newer == NONE:
        header.newest = flow.older
    else:
        table.flows[flow.newer].older = flow.older
    header.provisional -= 1


@jit
def _repoint(table: Table, slot: int, life: int) -> None:
    before = i64(table.flows[slot].life)
    table.flows[slot].life = life
    release_life(table, before)


@jit
def _confirm(table: Table, slot: int, expires: float, state: int) -> None:
    """The flow is bound or signalled from now on, or still is."""
    flow = table.flows[slot]
    if flow.state == PROVISIONAL:
        _leave_provisional(table, slot)
        table.header[0].bound += 1
    flow.state, flow.expires, flow.received, flow.sent = state, expires, 0, 0


@jit
def _vouch(flow: Any, now: float) -> None:
    """An owner is checking an address from which it got authenticated media."""
    flow.expires = now + PROVISIONAL_SECONDS
    flow.received = max(i64(flow.received), REBINDING_CREDIT)
