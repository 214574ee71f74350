"""The networks in which a relay will believe that an owner lives.

Whoever holds the cluster key can mint a ufrag that names any address. This
list keeps a leaked key from turning relays into reflectors against the rest of
the internet.
"""

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class OwnerAllowList:
    """Answers whether an address may own calls."""

    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> "OwnerAllowList":
        """Read networks in CIDR notation, separated by commas. Raises ValueError."""
        return cls(tuple(ipaddress.ip_network(part.strip()) for part in text.split(",")))

    def __str__(self) -> str:
        return ",".join(map(str, self.networks))

    def allows(self, host: str) -> bool:
        """`host` is an IP address; raises ValueError for anything else."""
        address = ipaddress.ip_address(host)
        return any(address in network for network in self.networks)


PRIVATE_OWNERS = OwnerAllowList.parse(
    "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1/128,fc00::/7"
)
"""Loopback and the private ranges (RFC 1918, RFC 4193)."""
