"""Addresses as the kernel writes them, as the tunnel does, and as the table does.

https://man7.org/linux/man-pages/man7/ip.7.html and ipv6.7.html
"""

import struct
from typing import Any

from antiphon_proto.address import ADDRESS_LENGTHS, Address, pack_host
from relay.address_key import IPV4, IPV6
from relay.fast.client_key import ClientKey, client_key
from relay.fast.compiling import jit
from relay.fast.layouts import NAME_BYTES, i64
from relay.fast.packet import u16_at, u32_at, u64_at

IPV4_NAME_BYTES, IPV6_NAME_BYTES = 16, NAME_BYTES
IPV4_BYTES, IPV6_BYTES = ADDRESS_LENGTHS[IPV4], ADDRESS_LENGTHS[IPV6]
"""Of an encoded address."""

_AF_INET, _AF_INET6 = 2, 10
_IPV4_HOST_AT, _IPV6_HOST_AT = 4, 8
_SOCKADDR_IN = struct.Struct("=H2s4s8x")
_SOCKADDR_IN6 = struct.Struct("=H2s4x16s4x")


def name_of(address: Address) -> bytes:
    """The sockaddr_in or sockaddr_in6. Raises ValueError when the host is no IP address."""
    host, port = address
    packed, big_endian_port = pack_host(host), port.to_bytes(2, "big")
    if len(packed) == 4:
        return _SOCKADDR_IN.pack(_AF_INET, big_endian_port, packed)
    return _SOCKADDR_IN6.pack(_AF_INET6, big_endian_port, packed)


@jit
def key_of_name(name: Any) -> ClientKey:
    """Of the source that the kernel wrote."""
    port = u16_at(name, 2)
    if name[0] == _AF_INET:
        return client_key(0, u32_at(name, _IPV4_HOST_AT), port, IPV4)
    at = _IPV6_HOST_AT
    return client_key(u64_at(name, at), u64_at(name, at + 8), port, IPV6)


@jit
def name_bytes(name: Any) -> int:
    """The length of a name that was written here."""
    return IPV4_NAME_BYTES if name[0] == _AF_INET else IPV6_NAME_BYTES


@jit
def encode_name(name: Any, data: Any, end: int) -> int:
    """Write the encoded address before `end`; returns its length."""
    ipv4 = name[0] == _AF_INET
    length = IPV4_BYTES if ipv4 else IPV6_BYTES
    host_at = _IPV4_HOST_AT if ipv4 else _IPV6_HOST_AT
    at = end - length
    data[at] = IPV4 if ipv4 else IPV6
    data[at + 1], data[at + 2] = name[2], name[3]
    for i in range(length - 3):
        data[at + 3 + i] = name[host_at + i]
    return length


@jit
def encoded_length(family: int) -> int:
    """Of an address that begins with this byte; 0 when none does."""
    if family == IPV4:
        return IPV4_BYTES
    return IPV6_BYTES if family == IPV6 else 0


@jit
def key_of_encoded(data: Any, at: int) -> ClientKey:
    """Of a whole encoded address."""
    port = u16_at(data, at + 1)
    if data[at] == IPV4:
        return client_key(0, u32_at(data, at + 3), port, IPV4)
    return client_key(u64_at(data, at + 3), u64_at(data, at + 11), port, IPV6)


@jit
def name_encoded(data: Any, at: int, name: Any) -> int:
    """Write the name of a whole encoded address; returns its length."""
    ipv4 = data[at] == IPV4
    host_at = _IPV4_HOST_AT if ipv4 else _IPV6_HOST_AT
    for i in range(NAME_BYTES):
        name[i] = 0
    name[0] = _AF_INET if ipv4 else _AF_INET6
    name[2], name[3] = data[at + 1], data[at + 2]
    for i in range(encoded_length(i64(data[at])) - 3):
        name[host_at + i] = data[at + 3 + i]
    return IPV4_NAME_BYTES if ipv4 else IPV6_NAME_BYTES
