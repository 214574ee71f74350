"""Network addresses: the text that sockets use, and the bytes that wire formats carry.

    0                   1                   2
    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |  family 4|6   |             port              |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |        host: 4 bytes (IPv4) or 16 (IPv6)      ...
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

A media server meets the same few addresses in every packet, so each direction
is remembered for the most recent ones.
"""

import ipaddress
import struct
from functools import lru_cache

Address = tuple[str, int]
"""Host text (IPv6 without brackets or zone) and port."""

ADDRESS_LENGTHS = {4: 7, 6: 19}
"""Length in bytes of an encoded address, by its family byte."""

_NETWORK_BYTES = {4: 3, 16: 7}
"""/24 of IPv4, /56 of IPv6."""

_FAMILY_PORT = struct.Struct(">BH")
_RECENT = 16384


def family_of(host: str) -> int:
    """4 or 6: the family of an IP address."""
    return 6 if ":" in host else 4


@lru_cache(maxsize=_RECENT)
def pack_host(host: str) -> bytes:
    """The 4 or 16 bytes of an IP address.

    Raises ValueError for anything else: a name, brackets, or an IPv6 zone,
    which means nothing to another machine.
    """
    if "%" in host:
        raise ValueError("an address with a zone cannot cross a machine boundary")
    return ipaddress.ip_address(host).packed


def network_of(host: str) -> bytes:
    """What one customer or one cheap rented network has, who has one address and so its
    neighbours. Raises ValueError for what is no IP address."""
    packed = pack_host(host)
    return packed[: _NETWORK_BYTES[len(packed)]]


@lru_cache(maxsize=_RECENT)
def unpack_host(packed: bytes) -> str:
    """The text of 4 or 16 bytes, as the socket calls write it. Raises ValueError otherwise."""
    if len(packed) == 4:
        return ".".join(map(str, packed))
    address = ipaddress.IPv6Address(packed)
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else str(address)


@lru_cache(maxsize=_RECENT)
def encode_address(address: Address) -> bytes:
    """Family, port and host. Raises ValueError when the host is no IP or the port no u16."""
    host, port = address
    packed = pack_host(host)
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port must be from 0 to 65535, not {port}")
    return _FAMILY_PORT.pack(4 if len(packed) == 4 else 6, port) + packed


@lru_cache(maxsize=_RECENT)
def decode_address(encoded: bytes) -> Address:
    """Read exactly one encoded address. Raises ValueError for any other bytes."""
    if not encoded or len(encoded) != ADDRESS_LENGTHS.get(encoded[0]):
        raise ValueError("an address is a family byte 4 or 6, a port, and a host of that family")
    _family, port = _FAMILY_PORT.unpack_from(encoded)
    return unpack_host(encoded[_FAMILY_PORT.size :]), port
