"""What a worker knows of zones and other clusters, put together with its metrics."""

import secrets

from prometheus_client import CollectorRegistry

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.config import TransceiverConfig
from transceiver.regions.counters import RegionCounters
from transceiver.regions.metrics import RegionCollector
from transceiver.regions.zones import CurrentZones
from transceiver.signaling.regions import Regions


def worker_regions(
    config: TransceiverConfig, zones: CurrentZones, keys: ClusterKeys, registry: CollectorRegistry
) -> Regions:
    """Goes by whatever `zones` say at the moment."""
    counters = RegionCounters()
    registry.register(RegionCollector(counters, zones))
    return Regions(config.cluster_id, zones, keys, counters, secrets.token_bytes)
