"""What Python tells the loop about owners and senders, under the table's mutex."""

from typing import Any

import numpy as np

from relay.fast.client_key import client_key
from relay.fast.compiling import entry
from relay.fast.layouts import NONE, PASSAGE, TRUSTED
from relay.fast.owner_table import ensure_owner
from relay.fast.packet import copy_bytes
from relay.fast.passages import close_all, open_passage
from relay.fast.signature import Array
from relay.fast.table import lock, open_table, unlock
from relay.fast.trusted_headers import distrust_all, trust

_MEMORY = Array(np.uint8)
_BYTES = Array(np.uint8, readonly=True)
_KEY = (np.uint64, np.uint64, np.int64, np.int64)
_TRUSTED = Array(TRUSTED)
_PASSAGES = Array(PASSAGE)


@entry(_MEMORY, *_KEY, _BYTES, _BYTES)
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
        owner.header_bytes = len(header)
    unlock(table)


@entry(_MEMORY)
def forget_owner_headers(memory: Any) -> None:
    table = open_table(memory)
    lock(table)
    for slot in range(len(table.owners)):
        table.owners[slot].header_bytes = 0
    unlock(table)


@entry(_MEMORY, _TRUSTED, _BYTES)
def trust_header(memory: Any, trusted: Any, header: Any) -> None:
    table = open_table(memory)
    lock(table)
    trust(trusted, table.header[0].seed, header)
    unlock(table)


@entry(_MEMORY, _TRUSTED, _PASSAGES)
def distrust_headers(memory: Any, trusted: Any, passages: Any) -> None:
    """And close all passages, which are by such headers."""
    table = open_table(memory)
    lock(table)
    distrust_all(trusted)
    close_all(passages)
    unlock(table)


@entry(_MEMORY, _PASSAGES, _BYTES, _BYTES, _BYTES, np.bool_)
def pass_on(
    memory: Any, passages: Any, prefix: Any, name: Any, header: Any, to_owner: bool
) -> None:
    table = open_table(memory)
    lock(table)
    open_passage(passages, table.header[0].seed, prefix, name, header, to_owner)
    unlock(table)
