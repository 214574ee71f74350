"""The memory of a flow table: one block, whose sections are arrays of records.

Compiled code gets the block as its one argument, which costs a call from Python least,
and `open_table` finds the sections in it. Whoever reads or writes one holds the mutex.
"""

from typing import Any, NamedTuple

import numpy as np

from relay.fast import libc
from relay.fast.compiling import jit
from relay.fast.layouts import FLOW, HEADER, LIFE, NONE, OWNER, SSRC

MAX_OWNERS = 2048
"""Tunnel addresses of transceiver workers that are remembered."""

MAX_LIVES = 2 * MAX_OWNERS
"""A life that bindings named, and one that ufrags named, for each."""

# Compiled code takes numbers from here, not attributes of record types.
_FLOW_BYTES = FLOW.itemsize
_SSRC_BYTES = SSRC.itemsize
_BUCKET_BYTES = 4

_OWNERS_AT = HEADER.itemsize
_LIVES_AT = _OWNERS_AT + MAX_OWNERS * OWNER.itemsize
_OWNER_BUCKETS_AT = _LIVES_AT + MAX_LIVES * LIFE.itemsize
_FLOWS_AT = _OWNER_BUCKETS_AT + MAX_OWNERS * _BUCKET_BYTES


class Table(NamedTuple):
    """The sections. A bucket holds the first slot of the chain of records that hash to it."""

    header: Any
    owners: Any
    lives: Any
    owner_buckets: Any
    flows: Any
    ssrcs: Any
    flow_buckets: Any
    ssrc_buckets: Any


def table_bytes(max_flows: int, max_ssrcs: int) -> int:
    flows = max_flows * (_FLOW_BYTES + _BUCKET_BYTES)
    return _FLOWS_AT + flows + max_ssrcs * (_SSRC_BYTES + _BUCKET_BYTES)


def new_table(max_flows: int, max_ssrcs: int, seed: int) -> Any:
    """The block of an empty table, as bytes."""
    # As 64-bit numbers first: records with 64-bit fields begin at multiples of 8.
    words = np.zeros(table_bytes(max_flows, max_ssrcs) // 8 + 1, np.uint64)
    memory = words.view(np.uint8)[: table_bytes(max_flows, max_ssrcs)]
    memory[:_OWNERS_AT].view(HEADER)["max_flows"] = max_flows
    memory[:_OWNERS_AT].view(HEADER)["max_ssrcs"] = max_ssrcs
    table = sections(memory)
    header = table.header[0]
    header["seed"] = seed
    for field in ("free_life", "free_flow", "free_ssrc", "oldest", "newest"):
        header[field] = NONE
    for buckets in (table.owner_buckets, table.flow_buckets, table.ssrc_buckets):
        buckets[:] = NONE
    return memory


def sections(memory: Any) -> Table:
    """The sections of a block."""
    header = memory[:_OWNERS_AT].view(HEADER)
    max_flows, max_ssrcs = header[0]["max_flows"], header[0]["max_ssrcs"]
    ssrcs_at = _FLOWS_AT + max_flows * _FLOW_BYTES
    flow_buckets_at = ssrcs_at + max_ssrcs * _SSRC_BYTES
    ssrc_buckets_at = flow_buckets_at + max_flows * _BUCKET_BYTES
    end = ssrc_buckets_at + max_ssrcs * _BUCKET_BYTES
    return Table(
        header,
        memory[_OWNERS_AT:_LIVES_AT].view(OWNER),
        memory[_LIVES_AT:_OWNER_BUCKETS_AT].view(LIFE),
        memory[_OWNER_BUCKETS_AT:_FLOWS_AT].view(np.uint32),
        memory[_FLOWS_AT:ssrcs_at].view(FLOW),
        memory[ssrcs_at:flow_buckets_at].view(SSRC),
        memory[flow_buckets_at:ssrc_buckets_at].view(np.uint32),
        memory[ssrc_buckets_at:end].view(np.uint32),
    )


open_table = jit(sections)
"""`sections`, for compiled code."""


@jit
def lock(table: Table) -> None:
    libc.pthread_mutex_lock(table.header.ctypes.data)
    table.header[0].locked = 1


@jit
def unlock(table: Table) -> None:
    table.header[0].locked = 0
    libc.pthread_mutex_unlock(table.header.ctypes.data)
