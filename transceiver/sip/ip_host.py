"""The IP addresses that stand for hosts in URIs and that sockets tell."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

IpAddress = IPv4Address | IPv6Address

_RECENT = 4096
"""Hosts that are remembered: the same few send nearly everything."""


@lru_cache(maxsize=_RECENT)
def ip_host(text: str) -> IpAddress | None:
    """With a URI's brackets or without; an IPv4 address in IPv6's clothes is itself. None for
    a name."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
