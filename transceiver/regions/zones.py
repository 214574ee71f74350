"""Where clients are, and what is best for them from there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chassis.host_port import HostPort
from transceiver.regions.client_address import client_address
from transceiver.regions.network_map import IpAddress, NetworkMap, plain_address


@dataclass(frozen=True, slots=True)
class Zone:
    """Clients that are near one another."""

    name: str
    clusters: tuple[int, ...]
    """Where their calls are made: at the first one that takes them. No other is asked."""
    relay: HostPort | None = None
    """Where their media goes; None: where the cluster's calls that answers has it go."""


@dataclass(frozen=True, slots=True)
class Zones:
    """What the file of --zones says; equal to another that says the same."""

    zones: Mapping[str, Zone] = field(default_factory=dict)
    apis: Mapping[int, str] = field(default_factory=dict)
    """URLs of the clusters' APIs, by cluster id, without a slash at their end."""
    default: Zone | None = None
    """For clients of no zone; without it this cluster answers them as ever."""
    trusted: NetworkMap[bool] = field(default_factory=lambda: NetworkMap[bool].of(()))
    """Proxies that may say where a client is."""
    zone_header: str | None = None
    address_header: str = "X-Forwarded-For"
    by_value: Mapping[str, str] = field(default_factory=dict)
    """Names of zones by what the zone's header says, in lower case."""
    by_network: NetworkMap[str] = field(default_factory=lambda: NetworkMap[str].of(()))
    """Names of zones by where clients are."""

    def find(self, sender: str, headers: Mapping[str, Sequence[str]]) -> Zone | None:
        """The zone of the client whose request came from the address `sender`.

        `headers` are all values of those headers that the file names.
        """
        name = self._said(sender, headers) or self._covering(sender, headers)
        return self.default if name is None else self.zones[name]

    def trusts(self, address: IpAddress) -> bool:
        return self.trusted.find(address) is not None

    def _said(self, sender: str, headers: Mapping[str, Sequence[str]]) -> str | None:
        words = headers.get(self.zone_header or "")
        proxy = plain_address(sender)
        if not words or proxy is None or not self.trusts(proxy):
            return None
        # A proxy that adds its own line adds it last.
        return self.by_value.get(words[-1].strip().lower())

    def _covering(self, sender: str, headers: Mapping[str, Sequence[str]]) -> str | None:
        lines = headers.get(self.address_header, ())
        address = client_address(sender, lines, self.trusts)
        return None if address is None else self.by_network.find(address)

    @property
    def headers(self) -> tuple[str, ...]:
        """Those that `find` reads."""
        return tuple(name for name in (self.zone_header, self.address_header) if name)


class CurrentZones:
    """What the file says at the moment."""

    def __init__(self, zones: Zones) -> None:
        self.now = zones

    def become(self, zones: Zones) -> None:
        self.now = zones
