"""How a relay worker's datagrams reach an owner: by themselves, or through its cluster's relays."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import TunnelSender
from antiphon_proto.tunnel_transit import ToOwner, TransitSender
from relay.remote_clusters import RemoteClusters
from relay.remote_owner import cluster_of

OWNERS_REMEMBERED = 4096
"""Owners whose tunnel sender is kept ready; one forgotten is made anew, and its control
counter goes on, which is the process's."""


@dataclass(frozen=True, slots=True)
class Route:
    """What encodes datagrams for an owner, and the tunnel address that they are sent to."""

    sender: TunnelSender | TransitSender
    to: Address


class OwnerRoutes:
    """Under one set of keys."""

    def __init__(self, keys: ClusterKeys, epoch: int, remote: RemoteClusters | None) -> None:
        """`remote` are the other clusters, where owners of theirs are to be reached."""
        self._remote = remote
        self._version = 0
        self._routes: dict[Address, Route] = {}
        self.sender_to: Callable[[Address], TunnelSender] = lru_cache(OWNERS_REMEMBERED)(
            lambda peer: TunnelSender(keys, epoch, peer)
        )
        """What encodes datagrams to a tunnel address."""

    def to(self, owner: Address) -> Route | None:
        """None where an owner of another cluster cannot be reached at present."""
        if self._remote is not None and self._remote.version != self._version:
            self._version = self._remote.version
            self._routes.clear()
        route = self._routes.get(owner) or self._find(owner)
        if route is not None:
            if len(self._routes) >= OWNERS_REMEMBERED:
                self._routes.clear()
            self._routes[owner] = route
        return route

    def _find(self, owner: Address) -> Route | None:
        address, cluster = cluster_of(owner)
        if cluster is None:
            return Route(self.sender_to(address), address)
        gateway = None if self._remote is None else self._remote.gateway(owner)
        if self._remote is None or gateway is None:
            return None
        way = ToOwner(address, cluster, self._remote.own)
        return Route(TransitSender(self.sender_to(gateway), way), gateway)
