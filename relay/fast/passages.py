"""Ways on which datagrams are in transit: what they begin with, and what goes on in its place.

Python opens one when it has judged a datagram of DATA that came this way; from then on
the first bytes, a header that was verified and the frame behind it, say all.
"""

from typing import Any

import numpy as np

from relay.fast.compiling import jit
from relay.fast.layouts import MAX_HEADER_BYTES, NONE, PASSAGE, i64
from relay.fast.packet import copy_bytes

MAX_PASSAGES = 4096
"""All are closed to make room for one more; Python opens those in use again."""

PLACES = 2 * MAX_PASSAGES

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def new_passages() -> Any:
    """The last record is no place: its `prefix_bytes` count those that are open."""
    return np.zeros(PLACES + 1, PASSAGE)


@jit
def find_passage(passages: Any, seed: Any, data: Any, at: int, length: int) -> int:
    """The slot of the passage for what begins with `length` bytes at `at`, or NONE."""
    if length > MAX_HEADER_BYTES:
        return i64(NONE)
    place = _place(passages, seed, data, at, length)
    return place if passages[place].prefix_bytes != 0 else i64(NONE)


@jit
def open_passage(
    passages: Any, seed: Any, prefix: Any, name: Any, header: Any, to_owner: bool
) -> None:
    """Remember one, or what goes on in its place by now."""
    length = i64(len(prefix))
    if length > MAX_HEADER_BYTES:
        return
    place = _place(passages, seed, prefix, 0, length)
    if passages[place].prefix_bytes == 0:
        if passages[PLACES].prefix_bytes >= MAX_PASSAGES:
            close_all(passages)
            place = _place(passages, seed, prefix, 0, length)
        passages[PLACES].prefix_bytes += 1
    passage = passages[place]
    copy_bytes(passage.prefix, prefix)
    copy_bytes(passage.header, header)
    copy_bytes(passage.name, name)
    passage.prefix_bytes, passage.header_bytes = length, len(header)
    passage.to_owner = 1 if to_owner else 0


@jit
def close_all(passages: Any) -> None:
    for place in range(len(passages)):
        passages[place].prefix_bytes = 0


@jit
def _place(passages: Any, seed: Any, data: Any, at: int, length: int) -> int:
    """Where the passage of these bytes is, or would be."""
    mixed = seed
    for i in range(length):
        mixed = (mixed ^ np.uint64(data[at + i])) * _SPREAD
        mixed ^= mixed >> _HALF
    place = i64(((mixed & np.uint64(0xFFFFFFFF)) * np.uint64(PLACES)) >> _HALF)
    while passages[place].prefix_bytes != 0 and not _is(passages[place], data, at, length):
        place = (place + 1) % PLACES
    return place


@jit
def _is(passage: Any, data: Any, at: int, length: int) -> bool:
    if passage.prefix_bytes != length:
        return False
    i = i64(0)
    while i < length and passage.prefix[i] == data[at + i]:
        i += 1
    return i == length
