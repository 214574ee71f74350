"""An address as compiled code compares it, and its place in a table."""

from typing import Any, NamedTuple

import numpy as np

from relay.fast.compiling import jit
from relay.fast.layouts import i64

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class ClientKey(NamedTuple):
    """See `relay.address_key.AddressKey`."""

    hi: Any
    lo: Any
    port: Any
    family: Any


@jit
def client_key(hi: Any, lo: Any, port: Any, family: Any) -> ClientKey:
    """Of numbers of any width."""
    return ClientKey(np.uint64(hi), np.uint64(lo), np.uint16(port), np.uint16(family))


@jit
def owner_key(record: Any) -> ClientKey:
    """Of a snapshot's record."""
    return client_key(record.owner_hi, record.owner_lo, record.owner_port, record.owner_family)


@jit
def same_address(record: Any, key: ClientKey) -> bool:
    """Whether a flow's or owner's record is that of `key`."""
    return bool(
        record.lo == key.lo
        and record.port == key.port
        and record.hi == key.hi
        and record.family == key.family
    )


@jit
def bucket_of(seed: Any, hi: Any, lo: Any, rest: Any, buckets: Any) -> int:
    """One of `buckets`, evenly spread; `rest` is 32 bits."""
    mixed = (seed ^ lo) * _SPREAD
    mixed = ((mixed ^ (mixed >> _HALF)) + hi) * _SPREAD
    mixed = ((mixed ^ (mixed >> _HALF)) + np.uint64(rest)) * _SPREAD
    mixed ^= mixed >> _HALF
    return i64(((mixed & np.uint64(0xFFFFFFFF)) * np.uint64(len(buckets))) >> _HALF)


@jit
def address_bucket(seed: Any, key: ClientKey, buckets: Any) -> int:
    return bucket_of(seed, key.hi, key.lo, np.uint64(key.port), buckets)
