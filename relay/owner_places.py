"""Where transceivers are, whom a relay makes itself known to: listed, or behind a name."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.host_port import HostPort
from relay.cluster_relays import DNS_PREFIX

MOST_WORKERS = 256


@dataclass(frozen=True, slots=True)
class OwnerPlace:
    """The tunnel ports of a transceiver's workers, or with `is_name` of each one of a name."""

    host: str
    ports: range
    is_name: bool

    @classmethod
    def parse(cls, text: str) -> "OwnerPlace":
        """Read `10.0.0.8:7000`, `10.0.0.8:7000-7003` or `dns:NAME:7000-7003`. Raises ValueError."""
        is_name = text.startswith(DNS_PREFIX)
        # Names have hyphens, too: what is meant here stands behind the last colon.
        host_text, _, port_text = text.removeprefix(DNS_PREFIX).rpartition(":")
        first_text, separator, last_text = port_text.partition("-")
        parse = HostPort.parse if is_name else HostPort.parse_concrete
        host, first = parse(f"{host_text}:{first_text}")
        last = HostPort.parse(f"-:{last_text}").port if separator else first
        ports = range(first, last + 1)
        if not (first and 0 < len(ports) <= MOST_WORKERS):
            raise ValueError(f"expected ports from 1 up, at most {MOST_WORKERS}: {text!r}")
        return cls(host, ports, is_name)

    def __str__(self) -> str:
        prefix = DNS_PREFIX if self.is_name else ""
        last = f"-{self.ports[-1]}" if len(self.ports) > 1 else ""
        return f"{prefix}{HostPort(self.host, self.ports[0])}{last}"


@dataclass(frozen=True, slots=True)
class OwnerPlaces:
    """All of them."""

    places: tuple[OwnerPlace, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "OwnerPlaces":
        """Read places, separated by commas; none of no text. Raises ValueError."""
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        places = tuple(map(OwnerPlace.parse, parts))
        if len(set(places)) < len(places):
            raise ValueError(f"a place stands twice in {text!r}")
        return cls(places)

    def __iter__(self) -> Iterator[OwnerPlace]:
        return iter(self.places)

    def __bool__(self) -> bool:
        return bool(self.places)

    def __str__(self) -> str:
        return ",".join(map(str, self.places))


NO_OWNERS = OwnerPlaces()
