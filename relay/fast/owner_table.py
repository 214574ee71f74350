"""Owners and their lives: who vouches for a claim, and whether that still counts.

A claim, a flow or an SSRC, names a life. A life ends for all its claims at once when its
owner speaks in another, and is forgotten with its last claim.
"""

from typing import Any

import numpy as np

from relay import flows
from relay.fast.chain import unchain
from relay.fast.client_key import ClientKey, address_bucket, same_address
from relay.fast.compiling import jit
from relay.fast.layouts import NONE, i64
from relay.fast.table import Table

NO_EPOCH = np.uint64(flows.NO_EPOCH)


@jit
def find_owner(table: Table, key: ClientKey) -> int:
    """The owner's slot, or NONE."""
    bucket = address_bucket(table.header[0].seed, key, table.owner_buckets)
    slot = i64(table.owner_buckets[bucket])
    while slot != NONE and not same_address(table.owners[slot], key):
        slot = i64(table.owners[slot].next)
    return slot


@jit
def ensure_owner(table: Table, key: ClientKey) -> int:
    """The slot of an owner, new or not; NONE when all slots have owners with claims."""
    slot = find_owner(table, key)
    if slot != NONE:
        return slot
    slot = _free_owner(table)
    if slot == NONE:
        return slot
    owner = table.owners[slot]
    owner.hi, owner.lo, owner.port, owner.family = key.hi, key.lo, key.port, key.family
    owner.header_bytes = 0
    owner.first_life = NONE
    owner.lives = 0
    bucket = address_bucket(table.header[0].seed, key, table.owner_buckets)
    owner.next = table.owner_buckets[bucket]
    table.owner_buckets[bucket] = slot
    return slot


@jit
def _free_owner(table: Table) -> int:
    header = table.header[0]
    if header.used_owners < len(table.owners):
        slot = i64(header.used_owners)
        header.used_owners += 1
        return slot
    for slot in range(len(table.owners)):
        if table.owners[slot].lives == 0:
            _unchain_owner(table, slot)
            return slot
    return i64(NONE)


@jit
def _unchain_owner(table: Table, slot: int) -> None:
    owner = table.owners[slot]
    key = ClientKey(owner.hi, owner.lo, owner.port, owner.family)
    bucket = address_bucket(table.header[0].seed, key, table.owner_buckets)
    unchain(table.owners, table.owner_buckets, bucket, slot)


@jit
def claim_life(table: Table, key: ClientKey, epoch: Any) -> int:
    """One more claim of the life `epoch` of the owner at `key`: its slot, or NONE.

    What is claimed after a reset counts, so a life that is over is not gone on with.
    """
    owner_slot = ensure_owner(table, key)
    if owner_slot == NONE:
        return i64(NONE)
    owner = table.owners[owner_slot]
    slot = i64(owner.first_life)
    while slot != NONE and (table.lives[slot].epoch != epoch or table.lives[slot].over):
        slot = i64(table.lives[slot].next)
    if slot == NONE:
        slot = _new_life(table, owner_slot, epoch)
    if slot != NONE:
        table.lives[slot].claims += 1
    return slot


@jit
def _new_life(table: Table, owner_slot: int, epoch: Any) -> int:
    header = table.header[0]
    slot = i64(header.free_life)
    if slot != NONE:
        header.free_life = table.lives[slot].next
    elif header.used_lives < len(table.lives):
        slot = i64(header.used_lives)
        header.used_lives += 1
    else:
        return slot
    owner, life = table.owners[owner_slot], table.lives[slot]
    life.owner, life.epoch, life.claims, life.over = owner_slot, epoch, 0, 0
    life.next = owner.first_life
    owner.first_life = slot
    owner.lives += 1
    return slot


@jit
def release_life(table: Table, slot: int) -> None:
    """One claim less."""
    life = table.lives[slot]
    life.claims -= 1
    if life.claims != 0:
        return
    owner = table.owners[life.owner]
    owner.lives -= 1
    if owner.first_life == slot:
        owner.first_life = life.next
    else:
        at = i64(owner.first_life)
        while table.lives[at].next != slot:
            at = i64(table.lives[at].next)
        table.lives[at].next = life.next
    life.next = table.header[0].free_life
    table.header[0].free_life = slot


@jit
def end_other_lives(table: Table, key: ClientKey, epoch: Any) -> None:
    """Void what lives of the owner at `key` other than `epoch` bound."""
    owner = find_owner(table, key)
    if owner == NONE:
        return
    slot = i64(table.owners[owner].first_life)
    while slot != NONE:
        life = table.lives[slot]
        if life.epoch != epoch and life.epoch != NO_EPOCH:
            life.over = 1
        slot = i64(life.next)


@jit
def claim_lives(table: Table, claim: Any, now: float) -> bool:
    """Whether a flow's or SSRC's record still counts."""
    return bool(now < claim.expires and table.lives[claim.life].over == 0)


@jit
def owner_of(table: Table, claim: Any) -> int:
    """The slot of the owner that a flow's or SSRC's record names."""
    return i64(table.lives[claim.life].owner)
