"""What the parent gives each life of a worker process."""

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.worker_processes import WorkerObserver
from transceiver.regions.zones import Zones
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sip.access import SipAccess

INCARNATIONS = 256


@dataclass(frozen=True, slots=True)
class Drain:
    """Take no more calls, and end when those are over that there are."""

    seconds: float
    """After which the calls that are left are closed."""


@dataclass(frozen=True, slots=True)
class RenewTls:
    """Read the files of the HTTP port's certificate again."""


Order = ClusterKeys | ApiKeys | SipAccess | Zones | RenewTls | Drain
"""What the parent tells a worker: the keys to use, or to accept, from here on, and so on."""


@dataclass(frozen=True, slots=True)
class WorkerLife:
    """Pickles, to a process being spawned only."""

    incarnation: int
    """0..255, another one than the life before had."""
    keys: ClusterKeys
    """Those in use when it starts."""
    api_keys: ApiKeys
    """Those accepted when it starts."""
    sip_access: SipAccess
    """Who may call by SIP when it starts."""
    zones: Zones
    """Those in use when it starts."""
    orders: Connection
    """On which the parent sends each Order."""


class WorkerLives(WorkerObserver):
    """Gives every life of a worker its incarnation and the keys, and sends it orders."""

    def __init__(
        self,
        keys: ClusterKeys,
        api_keys: ApiKeys,
        first: int,
        sip_access: SipAccess | None = None,
        zones: Zones | None = None,
    ) -> None:
        """`first`, a random number, is the incarnation that counting begins behind."""
        self._keys = keys
        self._api_keys = api_keys
        self._sip_access = sip_access or SipAccess()
        self._zones = zones or Zones()
        self._first = first
        self._incarnations: dict[int, int] = {}
        self._pipes: dict[int, tuple[Connection, Connection]] = {}

    def use_keys(self, keys: ClusterKeys) -> None:
        """Have the workers that live use these keys, and those that will."""
        self._keys = keys
        self._order(keys)

    def accept_keys(self, api_keys: ApiKeys) -> None:
        """Have the workers that live accept these API keys, and those that will."""
        self._api_keys = api_keys
        self._order(api_keys)

    def give_access(self, sip_access: SipAccess) -> None:
        """Have the workers that live let these call by SIP, and those that will."""
        self._sip_access = sip_access
        self._order(sip_access)

    def use_zones(self, zones: Zones) -> None:
        """Have the workers that live go by these zones, and those that will."""
        self._zones = zones
        self._order(zones)

    def renew_tls(self) -> None:
        """Have the workers that live read their certificate again."""
        self._order(RenewTls())

    def drain(self, seconds: float) -> None:
        """Have the workers that live end once their calls are over, or so many seconds have."""
        self._order(Drain(seconds))

    def arguments(self, index: int) -> tuple[WorkerLife]:
        incarnation = (self._incarnations.get(index, self._first) + 1) % INCARNATIONS
        self._incarnations[index] = incarnation
        self._close(index)
        self._pipes[index] = orders, _told = multiprocessing.Pipe(duplex=False)
        return (
            WorkerLife(
                incarnation, self._keys, self._api_keys, self._sip_access, self._zones, orders
            ),
        )

    def started(self, index: int) -> None:
        orders, _told = self._pipes[index]
        orders.close()

    def close(self) -> None:
        """No worker lives any more."""
        for index in list(self._pipes):
            self._close(index)

    def _order(self, order: Order) -> None:
        for _orders, told in self._pipes.values():
            try:
                told.send(order)
            except OSError:
                # It has ended; if it lives again, it starts with the keys of then.
                continue

    def _close(self, index: int) -> None:
        for end in self._pipes.pop(index, ()):
            end.close()
