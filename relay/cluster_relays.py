"""Where the relays of other clusters are: listed, or behind a name of the DNS."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.host_port import DNS_PREFIX, HostPort

MAX_CLUSTER = 255


@dataclass(frozen=True, slots=True)
class RelayPlace:
    """One place of relays: an IP address, or with `is_name` every address of a name."""

    cluster: int
    address: HostPort
    is_name: bool

    @classmethod
    def parse(cls, text: str) -> "RelayPlace":
        """Read `2=203.0.113.7:40000` or `2=dns:relays.example:40000`. Raises ValueError."""
        number, separator, place = text.partition("=")
        if not (separator and number.isascii() and number.isdigit() and int(number) <= MAX_CLUSTER):
            raise ValueError(
                f"expected CLUSTER=HOST:PORT with a cluster from 0 to 255, not {text!r}"
            )
        if place.startswith(DNS_PREFIX):
            address = HostPort.parse(place.removeprefix(DNS_PREFIX))
        else:
            address = HostPort.parse_concrete(place)
        if not address.port:
            raise ValueError(f"a relay's port is not 0: {text!r}")
        return cls(int(number), address, is_name=place.startswith(DNS_PREFIX))

    def __str__(self) -> str:
        return f"{self.cluster}={DNS_PREFIX if self.is_name else ''}{self.address}"


@dataclass(frozen=True, slots=True)
class ClusterRelays:
    """The places of every cluster; a cluster may have several."""

    places: tuple[RelayPlace, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "ClusterRelays":
        """Read places, separated by commas; none of no text. Raises ValueError."""
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        places = tuple(map(RelayPlace.parse, parts))
        if len(set(places)) < len(places):
            raise ValueError(f"a place stands twice in {text!r}")
        return cls(places)

    def __iter__(self) -> Iterator[RelayPlace]:
        return iter(self.places)

    def __bool__(self) -> bool:
        return bool(self.places)

    def __str__(self) -> str:
        return ",".join(map(str, self.places))


NO_CLUSTERS = ClusterRelays()
