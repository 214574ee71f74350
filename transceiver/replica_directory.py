"""The inference replicas as a worker knows them, and which one gets its next session.

A replica reports its capacity and its sessions, of all transceivers together, some ten
times a second. What was placed there since the last report is added to it. Of two replicas
drawn by lot the less loaded one is taken: many transceivers that all took the least loaded
one would fall upon it together until it reports again (Mitzenmacher, "The Power of Two
Choices in Randomized Load Balancing", 1996).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from chassis.host_port import HostPort

UNREPORTED_CAPACITY = 32
"""Of a replica that has not said how it is."""

BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 15.0
"""A replica that fails again and again is left alone for twice as long each time, to this."""


class ReplicaState(Enum):
    """How a replica is, as far as this worker knows."""

    READY = "ready"
    """Sessions are placed there."""
    DRAINING = "draining"
    """About to stop, or its address is no longer one of a replica."""
    FAILING = "failing"
    """Connected, and left alone for a while because it failed."""
    UNCONNECTED = "unconnected"
    """There is no trunk to it."""


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What a replica says of itself."""

    capacity: int
    sessions: int
    draining: bool


@dataclass(slots=True)
class Replica:
    """What is known of one replica."""

    address: HostPort
    connected: bool = False
    retired: bool = False
    """Its address is no longer one of a replica: what it serves, it may go on serving."""
    report: ReplicaReport | None = None
    placed: int = 0
    """Sessions that were placed there since its last report."""
    failures: int = 0
    """Since it last opened a session."""
    avoided_until: float = 0.0

    @property
    def draining(self) -> bool:
        return self.report is not None and self.report.draining

    @property
    def usable(self) -> bool:
        return self.connected and not self.draining and not self.retired

    def state(self, now: float) -> ReplicaState:
        if not self.connected:
            return ReplicaState.UNCONNECTED
        if not self.usable:
            return ReplicaState.DRAINING
        return ReplicaState.FAILING if now < self.avoided_until else ReplicaState.READY

    @property
    def load(self) -> float:
        """The share of its capacity that is used; 1 and more: it is full."""
        if self.report is None:
            return self.placed / UNREPORTED_CAPACITY
        if self.report.capacity <= 0:
            return 1.0 + self.placed
        return (self.report.sessions + self.placed) / self.report.capacity


class ReplicaDirectory:
    """Sans-IO: told what happens, asked where to place."""

    def __init__(self, random: Callable[[], float]) -> None:
        """`random`: numbers from 0 up to, and without, 1."""
        self._random = random
        self._replicas: dict[HostPort, Replica] = {}
        self.placements = 0
        """Sessions that were placed."""

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._replicas.values())

    def __len__(self) -> int:
        return len(self._replicas)

    @property
    def usable(self) -> bool:
        """Whether there is a replica to place sessions on."""
        return any(replica.usable for replica in self)

    def states(self, now: float) -> Mapping[ReplicaState, int]:
        """How many replicas are how."""
        counts = dict.fromkeys(ReplicaState, 0)
        for replica in self:
            counts[replica.state(now)] += 1
        return counts

    def add(self, address: HostPort) -> None:
        """There is a replica at `address`; it is not connected yet."""
        replica = self._replicas.setdefault(address, Replica(address))
        replica.retired = False

    def retire(self, address: HostPort) -> None:
        """Place nothing more there."""
        if address in self._replicas:
            self._replicas[address].retired = True

    def forget(self, address: HostPort) -> None:
        self._replicas.pop(address, None)

    def connected(self, address: HostPort) -> None:
        """Its trunk is open; how it is, it has yet to report."""
        if replica := self._replicas.get(address):
            replica.connected = True
            replica.report, replica.placed = None, 0

    def disconnected(self, address: HostPort, now: float) -> None:
        """Its trunk broke, and with it its sessions."""
        if replica := self._replicas.get(address):
            replica.connected = False
            self.failed(address, now)

    def reported(self, address: HostPort, report: ReplicaReport) -> None:
        if replica := self._replicas.get(address):
            replica.report, replica.placed = report, 0

    def draining(self, address: HostPort) -> bool:
        replica = self._replicas.get(address)
        return replica is not None and replica.draining

    def succeeded(self, address: HostPort) -> None:
        """A session that was placed there has opened."""
        if replica := self._replicas.get(address):
            replica.failures, replica.avoided_until = 0, 0.0

    def failed(self, address: HostPort, now: float) -> None:
        """It lost its trunk, or did not open a session that was placed there."""
        if replica := self._replicas.get(address):
            back_off_s = min(BACK_OFF_S * 2.0**replica.failures, MAX_BACK_OFF_S)
            replica.avoided_until = now + back_off_s * (0.5 + self._random())
            replica.failures = min(replica.failures + 1, 16)

    def place(self, now: float, but: Collection[HostPort] = ()) -> HostPort | None:
        """Where the next session goes, if anywhere; it counts as placed there.

        Never on one of `but`; on one that is full, or that failed of late, only where there
        is no other: it may have recovered, and will say so if not.
        """
        usable = [replica for replica in self if replica.usable and replica.address not in but]
        sound = [replica for replica in usable if replica.avoided_until <= now]
        roomy = [replica for replica in sound if replica.load < 1]
        candidates = roomy or sound or usable
        if not candidates:
            return None
        chosen = min(self._draw_two(candidates), key=lambda replica: replica.load)
        chosen.placed += 1
        self.placements += 1
        return chosen.address

    def _draw_two(self, candidates: list[Replica]) -> list[Replica]:
        first = candidates.pop(int(self._random() * len(candidates)))
        if not candidates:
            return [first]
        return [first, candidates[int(self._random() * len(candidates))]]
