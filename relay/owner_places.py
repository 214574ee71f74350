"""Where transceivers are, whom a relay makes itself known to: listed, or behind a name."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.worker_ports import WorkerPorts


@dataclass(frozen=True, slots=True)
class OwnerPlaces:
    """The tunnel ports of transceivers' workers, host by host or of every host of a name."""

    places: tuple[WorkerPorts, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "OwnerPlaces":
        """Read `10.0.0.8:7000`, `10.0.0.8:7000-7003`, `dns:NAME:7000-7003` or several, separated
        by commas; none of no text. Raises ValueError."""
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        places = tuple(map(_place, parts))
        if len(set(places)) < len(places):
            raise ValueError(f"a place stands twice in {text!r}")
        return cls(places)

    def __iter__(self) -> Iterator[WorkerPorts]:
        return iter(self.places)

    def __bool__(self) -> bool:
        return bool(self.places)

    def __str__(self) -> str:
        return ",".join(map(str, self.places))


NO_OWNERS = OwnerPlaces()


def _place(text: str) -> WorkerPorts:
    """Raises ValueError."""
    place = WorkerPorts.parse(text)
    if not place.is_name:
        HostPort.parse_concrete(str(place.first))
    return place
