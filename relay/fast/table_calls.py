"""What Python asks of a table, each call under its mutex."""

from typing import Any

import numpy as np

from relay.fast import client_flows, libc, owner_table, ssrc_table
from relay.fast.client_key import client_key
from relay.fast.compiling import entry
from relay.fast.layouts import FLOW_RECORD, FREE, NONE, SSRC_RECORD, i64
from relay.fast.signature import Array
from relay.fast.table import lock, open_table, unlock

_MEMORY = Array(np.uint8)
_KEY = (np.uint64, np.uint64, np.int64, np.int64)
_NOW = np.float64
_SIZE = _MARK = _SSRC = np.int64
_EPOCH = np.uint64
_ZERO: Any = np.uint64(0)
NO_SSRC = -1


@entry(_MEMORY)
def make_mutex(memory: Any) -> None:
    libc.pthread_mutex_init(memory.ctypes.data, 0)


@entry(_MEMORY)
def hold(memory: Any) -> None:
    """Keep everyone else from the table until `let_go`."""
    lock(open_table(memory))


@entry(_MEMORY)
def let_go(memory: Any) -> None:
    unlock(open_table(memory))


@entry(_MEMORY)
def let_go_if_held(memory: Any) -> None:
    """What a thread whose compiled code failed owes the others."""
    table = open_table(memory)
    if table.header[0].locked:
        unlock(table)


@entry(_MEMORY, *_KEY, _NOW, result=(np.int64, np.int64, np.uint64, np.uint64, np.int64, np.int64))
def find(
    memory: Any, hi: Any, lo: Any, port: Any, family: Any, now: float
) -> tuple[int, int, int, int, int, int]:
    """State (FREE: none), ufrag mark, and the owner's key."""
    table = open_table(memory)
    lock(table)
    slot = client_flows.live_flow(table, client_key(hi, lo, port, family), now)
    if slot == NONE:
        unlock(table)
        return FREE, 0, _ZERO, _ZERO, 0, 0
    flow = table.flows[slot]
    owner = table.owners[owner_table.owner_of(table, flow)]
    found = (
        i64(flow.state),
        i64(flow.mark),
        owner.hi,
        owner.lo,
        i64(owner.port),
        i64(owner.family),
    )
    unlock(table)
    return found


@entry(_MEMORY, *_KEY, _SIZE)
def received(memory: Any, hi: Any, lo: Any, port: Any, family: Any, size: int) -> None:
    table = open_table(memory)
    lock(table)
    slot = client_flows.find_flow(table, client_key(hi, lo, port, family))
    if slot != NONE:
        client_flows.add_received(table.flows[slot], size)
    unlock(table)


@entry(_MEMORY, *_KEY, _SIZE, _NOW, result=np.bool_)
def may_send(memory: Any, hi: Any, lo: Any, port: Any, family: Any, size: int, now: float) -> bool:
    table = open_table(memory)
    lock(table)
    allowed = client_flows.may_send(table, client_key(hi, lo, port, family), size, now)
    unlock(table)
    return allowed


@entry(_MEMORY, *_KEY, *_KEY, _MARK, _SIZE, _NOW, np.bool_, result=np.int64)
def check_verified(
    memory: Any,
    hi: Any,
    lo: Any,
    port: Any,
    family: Any,
    owner_hi: Any,
    owner_lo: Any,
    owner_port: Any,
    owner_family: Any,
    mark: int,
    size: int,
    now: float,
    open_new: bool,
) -> int:
    table = open_table(memory)
    lock(table)
    admission = client_flows.check_verified(
        table,
        client_key(hi, lo, port, family),
        client_key(owner_hi, owner_lo, owner_port, owner_family),
        mark,
        size,
        now,
        open_new,
    )
    unlock(table)
    return admission


@entry(_MEMORY, *_KEY, *_KEY, _EPOCH, _NOW, np.bool_, np.bool_, _SSRC, _NOW, result=np.int64)
def bind(
    memory: Any,
    hi: Any,
    lo: Any,
    port: Any,
    family: Any,
    owner_hi: Any,
    owner_lo: Any,
    owner_port: Any,
    owner_family: Any,
    epoch: Any,
    lifetime: float,
    confirmed: bool,
    signalled: bool,
    ssrc: int,
    now: float,
) -> int:
    """And note its first SSRC, unless that is NO_SSRC."""
    table = open_table(memory)
    lock(table)
    owner = client_key(owner_hi, owner_lo, owner_port, owner_family)
    admission = client_flows.bind(
        table,
        client_key(hi, lo, port, family),
        owner,
        epoch,
        lifetime,
        confirmed,
        signalled,
        now,
    )
    if ssrc != NO_SSRC and admission == client_flows.ACCEPTED:
        ssrc_table.note_ssrc(table, ssrc, owner, epoch, now + lifetime, now)
    unlock(table)
    return admission


@entry(_MEMORY, _SSRC, *_KEY, _EPOCH, _NOW, _NOW)
def note_ssrc(
    memory: Any,
    ssrc: int,
    owner_hi: Any,
    owner_lo: Any,
    owner_port: Any,
    owner_family: Any,
    epoch: Any,
    expires: float,
    now: float,
) -> None:
    table = open_table(memory)
    lock(table)
    owner = client_key(owner_hi, owner_lo, owner_port, owner_family)
    ssrc_table.note_ssrc(table, ssrc, owner, epoch, expires, now)
    unlock(table)


@entry(_MEMORY, *_KEY, *_KEY)
def unbind(
    memory: Any,
    hi: Any,
    lo: Any,
    port: Any,
    family: Any,
    owner_hi: Any,
    owner_lo: Any,
    owner_port: Any,
    owner_family: Any,
) -> None:
    table = open_table(memory)
    lock(table)
    client_flows.unbind(
        table,
        client_key(hi, lo, port, family),
        client_key(owner_hi, owner_lo, owner_port, owner_family),
    )
    unlock(table)


@entry(_MEMORY, *_KEY, _EPOCH)
def reset(memory: Any, hi: Any, lo: Any, port: Any, family: Any, epoch: Any) -> None:
    table = open_table(memory)
    lock(table)
    owner_table.end_other_lives(table, client_key(hi, lo, port, family), epoch)
    unlock(table)


@entry(_MEMORY, _SSRC, _NOW, result=(np.int64, np.uint64, np.uint64, np.int64, np.int64))
def follow_ssrc(memory: Any, ssrc: int, now: float) -> tuple[int, int, int, int, int]:
    """An owner's slot, or why none, and the owner's key."""
    table = open_table(memory)
    lock(table)
    slot = ssrc_table.follow_ssrc(table, ssrc, now)
    if slot < 0:
        unlock(table)
        return slot, _ZERO, _ZERO, 0, 0
    owner = table.owners[slot]
    found = slot, owner.hi, owner.lo, i64(owner.port), i64(owner.family)
    unlock(table)
    return found


@entry(_MEMORY, _NOW)
def sweep(memory: Any, now: float) -> None:
    table = open_table(memory)
    lock(table)
    client_flows.sweep_flows(table, now)
    ssrc_table.sweep_ssrcs(table, now)
    unlock(table)


@entry(_MEMORY, Array(FLOW_RECORD, readonly=True), _NOW)
def restore_flows(memory: Any, records: Any, now: float) -> None:
    table = open_table(memory)
    for i in range(len(records)):
        lock(table)
        client_flows.restore(table, records[i], now)
        unlock(table)


@entry(_MEMORY, Array(SSRC_RECORD, readonly=True), _NOW)
def restore_ssrcs(memory: Any, records: Any, now: float) -> None:
    table = open_table(memory)
    for i in range(len(records)):
        lock(table)
        ssrc_table.restore(table, records[i], now)
        unlock(table)
