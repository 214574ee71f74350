"""An address as compiled code compares it, and its place in a table."""

import struct
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from antiphon_proto.address import Address, pack_host, unpack_host
from relay.fast.compiling import jit
from relay.fast.layouts import IPV4, IPV6, i64
from relay.remote_owner import cluster_of, owner_in

_HALVES = struct.Struct(">QQ")
_RECENT = 16384
_CLUSTER = 256

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class ClientKey(NamedTuple):
    """Host as big-endian numbers, IPv4 in `lo`; port; and family, an owner's with `_CLUSTER`
    times one more than its cluster's number where that is another one."""

    hi: Any
    lo: Any
    port: Any
    family: Any


@lru_cache(maxsize=_RECENT)
def key_of(address: Address) -> tuple[int, int, int, int]:
    """The fields of a `ClientKey`. Raises ValueError when the host is no IP address."""
    (host, port), cluster = cluster_of(address)
    packed = pack_host(host)
    scope = 0 if cluster is None else _CLUSTER * (cluster + 1)
    if len(packed) == 4:
        return 0, int.from_bytes(packed, "big"), port, scope + IPV4
    return *_HALVES.unpack(packed), port, scope + IPV6


@lru_cache(maxsize=_RECENT)
def address_of(hi: int, lo: int, port: int, family: int) -> Address:
    """What `key_of` was made of."""
    scope, family = divmod(family, _CLUSTER)
    packed = lo.to_bytes(4, "big") if family == IPV4 else _HALVES.pack(hi, lo)
    address = unpack_host(packed), port
    return owner_in(scope - 1, address) if scope else address


@jit
def client_key(hi: Any, lo: Any, port: Any, family: Any) -> ClientKey:
    """Of numbers of any width."""
    return ClientKey(np.uint64(hi), np.uint64(lo), np.uint16(port), np.uint16(family))


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
