"""An address as numbers, the form in which tables keep it and hand it on."""

import struct
from functools import lru_cache

from antiphon_proto.address import Address, pack_host, unpack_host
from relay.remote_owner import cluster_of, owner_in

IPV4, IPV6 = 4, 6
"""Families, as in an encoded address."""

AddressKey = tuple[int, int, int, int]
"""Host as two big-endian halves, IPv4 in the lower; port; and family, an owner's with
`_CLUSTER` times one more than its cluster's number where that is another one. The family fits
16 bits."""

_CLUSTER = 8
_HALVES = struct.Struct(">QQ")
_RECENT = 16384


@lru_cache(maxsize=_RECENT)
def key_of(address: Address) -> AddressKey:
    """Raises ValueError when the host is no IP address."""
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
