"""What Python tells the loop about owners and senders, under the table's mutex."""

from typing import Any

import numba
from numba import types

from relay.fast.client_key import client_key
from relay.fast.compiling import kept_for
from relay.fast.layouts import NONE, TRUSTED
from relay.fast.owner_table import ensure_owner
from relay.fast.packet import copy_bytes
from relay.fast.table import lock, open_table, unlock
from relay.fast.trusted_headers import distrust_all, trust

_MEMORY = types.uint8[::1]
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_KEY = (types.uint64, types.uint64, types.int64, types.int64)
_TRUSTED = numba.from_dtype(TRUSTED)[::1]


@kept_for(types.void(_MEMORY, *_KEY, _BYTES, _BYTES))
def set_owner_header(
    memory: Any, hi: Any, lo: Any, port: Any, family: Any, name: Any, header: Any
) -> None:
    table = open_table(memory)
    lock(table)
    slot = ensure_owner(table, client_key(hi, lo, port, family))
    if slot != NONE:
        owner = table.owners[slot]
        copy_bytes(owner.name, name)
        copy_bytes(owner.header, header)
        owner.has_header = 1
    unlock(table)


@kept_for(types.void(_MEMORY))
def forget_owner_headers(memory: Any) -> None:
    table = open_table(memory)
    lock(table)
    for slot in range(len(table.owners)):
        table.owners[slot].has_header = 0
    unlock(table)


@kept_for(types.void(_MEMORY, _TRUSTED, _BYTES))
def trust_header(memory: Any, trusted: Any, header: Any) -> None:
    table = open_table(memory)
    lock(table)
    trust(trusted, table.header[0].seed, header)
    unlock(table)


@kept_for(types.void(_MEMORY, _TRUSTED))
def distrust_headers(memory: Any, trusted: Any) -> None:
    table = open_table(memory)
    lock(table)
    distrust_all(trusted)
    unlock(table)
