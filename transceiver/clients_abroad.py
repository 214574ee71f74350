"""Which of this worker's clients come through relays of other clusters, and through which.

Those relays are told of these clients alone: elsewhere the same address may be another
client's. Times are seconds of one monotonic clock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import NO_CLIENT

FORGET_S = 30.0
"""A client that is not bound is forgotten when it was silent for longer, and a relay worker of
another cluster when none of its clients is left."""

MAX_CLIENTS = 10_000
"""More than a worker serves. Who comes to a relay by many addresses, and means none of them,
displaces of those that are not bound the one that came first."""

MAX_LOOKED_AT = 100
"""Clients, to find one that makes room."""


@dataclass(slots=True)
class _Place:
    relay: Address
    at: float


class ClientsAbroad:
    """Which relay worker each of them last came through."""

    def __init__(
        self,
        siblings: Callable[[Address], tuple[Address, ...]],
        bound: Callable[[Address], bool],
    ) -> None:
        """`siblings` of a relay worker, as it named them; `bound` tells whose address is."""
        self._siblings = siblings
        self._bound = bound
        self._places: dict[Address, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def came(self, client: Address, relay: Address, now: float) -> bool:
        """A datagram of `client` came through `relay`, of another cluster.

        True when relays there have not been told of the client.
        """
        place = self._places.get(client)
        if place is None:
            if len(self._places) >= MAX_CLIENTS and not self._make_room():
                return False
            self._places[client] = _Place(relay, now)
            return True
        place.at = now
        if place.relay == relay:
            return False
        before = self._group(place.relay)
        place.relay = relay
        return relay not in before

    def came_home(self, client: Address) -> None:
        """A datagram of `client` came through a relay of this cluster."""
        self._places.pop(client, None)

    def by_relay(self, frames: Iterable[Frame]) -> Mapping[Address, list[Frame]]:
        """Which of the frames each relay worker is to be told, its siblings too."""
        told: dict[Address, list[Frame]] = defaultdict(list)
        for frame in frames:
            place = self._places.get(frame.client)
            if place is not None:
                for relay in self._group(place.relay):
                    told[relay].append(frame)
        return told

    def told_to(self, relay: Address, frames: Iterable[Frame]) -> list[Frame]:
        """Those of the frames that are about clients of this relay worker's, or about none."""
        return [each for each in frames if each.client == NO_CLIENT or self._is_of(each, relay)]

    def sweep(self, now: float) -> set[Address]:
        """Forget who is gone; returns the relay workers that are still of use."""
        gone = [
            client
            for client, place in self._places.items()
            if now - place.at > FORGET_S and not self._bound(client)
        ]
        for client in gone:
            del self._places[client]
        used = {place.relay for place in self._places.values()}
        return {each for relay in used for each in self._group(relay)}

    def _make_room(self) -> bool:
        for client in list(islice(self._places, MAX_LOOKED_AT)):
            place = self._places.pop(client)
            if not self._bound(client):
                return True
            # Behind the others, not to be looked at each time.
            self._places[client] = place
        return False

    def _is_of(self, frame: Frame, relay: Address) -> bool:
        place = self._places.get(frame.client)
        return place is not None and relay in self._group(place.relay)

    def _group(self, relay: Address) -> tuple[Address, ...]:
        return (relay, *self._siblings(relay))
