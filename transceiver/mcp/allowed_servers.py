"""Which MCP servers sessions may use: clients name URLs that this process then asks."""

import ipaddress
import re
from dataclasses import dataclass

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

PUBLIC = "*"
NONE = "none"

_NAME = re.compile(r"(\*\.)?([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
"""Of no host of the Internet, though Python calls some of them global; a cloud's metadata."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AllowedServers:
    """`public`: any server by https whose address is public. Those in `names` and `networks`
    may be anywhere, and plain http.
    """

    public: bool = True
    names: tuple[str, ...] = ()
    """In lower case; "*.example.com" is every name below it."""
    networks: tuple[IpNetwork, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AllowedServers":
        """Entries with commas between them. Raises ValueError for one that is none."""
        entries = [entry.strip().lower() for entry in text.split(",")]
        if entries == [NONE]:
            return cls(public=False)
        others = [entry for entry in entries if entry != PUBLIC]
        networks = [(entry, _network(entry)) for entry in others]
        names = [entry for entry, network in networks if network is None]
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"expected a host, *.domain, address or network, not {name!r}")
        return cls(
            public=PUBLIC in entries,
            names=tuple(names),
            networks=tuple(network for _entry, network in networks if network is not None),
        )

    @property
    def any(self) -> bool:
        return self.public or bool(self.names) or bool(self.networks)

    def permits(self, scheme: str, host: str, address: IpAddress) -> bool:
        """Whether `host` of a URL may be reached at `address`, one that it resolves to."""
        if self._is_named(host.lower().rstrip(".")):
            return True
        if any(address in network for network in self.networks):
            return True
        return self.public and scheme == "https" and is_public(address)

    def _is_named(self, host: str) -> bool:
        return any(
            host.endswith(name[1:]) if name.startswith("*.") else host == name
            for name in self.names
        )


def is_public(address: IpAddress) -> bool:
    """Whether it is anybody's to reach, and so is the one that it may stand for."""
    if isinstance(address, ipaddress.IPv6Address):
        if (inner := _embedded(address)) is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    elif address in _PROTOCOLS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a translator or a tunnel would reach."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _network(entry: str) -> IpNetwork | None:
    try:
        return ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None
