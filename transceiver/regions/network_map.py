"""Values of networks, of which an address has that of the smallest one that covers it."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")

IpNetwork = IPv4Network | IPv6Network
IpAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class NetworkMap(Generic[ValueT]):
    """One lookup a prefix length that occurs, however many networks there are."""

    values: dict[IpNetwork, ValueT]
    prefixes: tuple[tuple[int, int], ...]
    """IP version and length of those that occur, the longest first."""

    @classmethod
    def of(cls, networks: Iterable[tuple[IpNetwork, ValueT]]) -> "NetworkMap[ValueT]":
        values = dict(networks)
        lengths = {(network.version, network.prefixlen) for network in values}
        return cls(values, tuple(sorted(lengths, reverse=True)))

    def find(self, address: IpAddress) -> ValueT | None:
        """The value of the longest prefix of the address, None if no network covers it."""
        for version, length in self.prefixes:
            if version == address.version:
                value = self.values.get(ip_network((int(address), length), strict=False))
                if value is not None:
                    return value
        return None


def plain_address(text: str) -> IpAddress | None:
    """The IP address in a text, as IPv4 where it is a mapped one; None for any other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
