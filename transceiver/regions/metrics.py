"""Prometheus metrics of what goes to other clusters."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from transceiver.regions.counters import ClusterOutcome, RegionCounters
from transceiver.regions.zones import CurrentZones


class RegionCollector(Collector):
    """Has a series for every zone and cluster of the file, zeros too."""

    def __init__(self, counters: RegionCounters, zones: CurrentZones) -> None:
        self._counters = counters
        self._zones = zones

    def collect(self) -> Iterable[Metric]:
        counters, zones = self._counters, self._zones.now
        asked = CounterMetricFamily(
            "antiphon_transceiver_zone_requests",
            "Calls and sessions that clients of a zone of --zones asked this cluster for.",
            labels=["zone"],
        )
        for zone in sorted({*zones.zones, *counters.zones}):
            asked.add_metric([zone], counters.zones[zone])
        yield asked
        sent = CounterMetricFamily(
            "antiphon_transceiver_cluster_requests",
            "Requests that were sent to another cluster, by what became of them.",
            labels=["cluster", "outcome"],
        )
        for cluster in sorted({*zones.apis, *(each for each, _ in counters.clusters)}):
            for outcome in ClusterOutcome:
                sent.add_metric([str(cluster), outcome.value], counters.clusters[cluster, outcome])
        yield sent
