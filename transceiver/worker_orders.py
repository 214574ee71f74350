"""What a worker does at its parent's orders."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Protocol

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.regions.zones import CurrentZones, Zones
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.tls import TlsListener
from transceiver.worker_lives import Drain, Order, RenewTls


class KeyUser(Protocol):
    """Something that mints, seals or signs with the cluster's keys."""

    def use_keys(self, keys: ClusterKeys) -> None: ...


class WorkerOrders:
    """Make it within a running event loop."""

    def __init__(
        self,
        orders: Connection,
        api_keys: ApiKeys,
        tls: TlsListener | None,
        sip_access: CurrentAccess,
        zones: CurrentZones,
    ) -> None:
        self.drain: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        """Done when it is ordered."""
        self._orders = orders
        self._api_keys = api_keys
        self._tls = tls
        self._sip_access = sip_access
        self._zones = zones
        self._key_users: Sequence[KeyUser] = ()

    @contextmanager
    def obeyed(self, key_users: Sequence[KeyUser]) -> Iterator[None]:
        """Follow them; `key_users` are all that use the cluster's keys."""
        loop = asyncio.get_running_loop()
        self._key_users = key_users
        loop.add_reader(self._orders.fileno(), self._obey)
        try:
            yield
        finally:
            loop.remove_reader(self._orders.fileno())

    def _obey(self) -> None:
        order: Order = self._orders.recv()
        match order:
            case Drain():
                self.drain.set_result(order)
            case RenewTls() if self._tls:
                self._tls.reload()
            case ApiKeys():
                self._api_keys.become(order)
            case SipAccess():
                self._sip_access.become(order)
            case Zones():
                self._zones.become(order)
            case ClusterKeys():
                for user in self._key_users:
                    user.use_keys(order)
