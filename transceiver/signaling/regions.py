"""Where the client of a request is, and what follows from it for its call."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from transceiver.regions.counters import RegionCounters
from transceiver.regions.forward_mark import (
    HEADER,
    ForwardMark,
    ForwardMarkError,
    ForwardMarks,
)
from transceiver.regions.zones import CurrentZones, Zone
from transceiver.signaling.sealed_token import NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Placement:
    """What is best for a request's client."""

    clusters: tuple[int, ...]
    """Where a call may be made, in this order."""
    mark: ForwardMark | None = None
    """What other servers are told of the client, if there is anything to tell."""

    @property
    def relay(self) -> HostPort | None:
        """Where the call's media should go; None: where the cluster has it go."""
        return self.mark.relay if self.mark else None


class Regions:
    """Reads requests' headers by the zones of the moment."""

    def __init__(
        self,
        cluster_id: int,
        zones: CurrentZones,
        keys: ClusterKeys,
        counters: RegionCounters,
        random: Callable[[int], bytes],
    ) -> None:
        """`cluster_id` is this cluster's; `random` gives as many bytes as asked for."""
        self.cluster_id = cluster_id
        self.zones = zones
        self.counters = counters
        self._marks = ForwardMarks(keys)
        self._random = random

    def use_keys(self, keys: ClusterKeys) -> None:
        """Believe marks under `keys`, old ones included, and under none other."""
        self._marks.use_keys(keys)

    def forwarded(self, request: web.Request) -> bool:
        """Whether another server of this deployment has sent the request on."""
        return self._mark(request) is not None

    def placement(self, request: web.Request) -> Placement:
        """Of a request at the public port. What was forwarded once stays in this cluster."""
        if HEADER in request.headers:
            return self.marked_placement(request)
        zone = self._zone(request)
        if zone is None:
            return Placement((self.cluster_id,))
        return Placement(zone.clusters, ForwardMark(zone.name, zone.relay))

    def marked_placement(self, request: web.Request) -> Placement:
        """By the mark alone, of a request that another worker sent."""
        return Placement((self.cluster_id,), self._mark(request))

    def asked_for(self, placement: Placement) -> None:
        """Count a call or session by its client's zone."""
        if placement.mark and placement.mark.zone is not None:
            self.counters.zones[placement.mark.zone] += 1

    def headers(self, placement: Placement) -> dict[str, str]:
        """What tells another server where the client is, and that it is not to ask a third."""
        mark = placement.mark or ForwardMark(None, None)
        return {HEADER: self._marks.seal(mark, self._random(NONCE_BYTES))}

    def api(self, cluster_id: int, request: web.Request) -> str | None:
        """URL of a cluster's API; None where it is unknown, or the request was sent on once."""
        return None if HEADER in request.headers else self.zones.now.apis.get(cluster_id)

    def _zone(self, request: web.Request) -> Zone | None:
        zones = self.zones.now
        if not zones.zones:
            return None
        headers = {name: request.headers.getall(name, ()) for name in zones.headers}
        return zones.find(request.remote or "", headers)

    def _mark(self, request: web.Request) -> ForwardMark | None:
        try:
            return self._marks.open(request.headers.get(HEADER, ""))
        except ForwardMarkError:
            return None
