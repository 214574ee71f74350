"""What `/metrics` shows of the cluster's keys, for `antiphon keys rotate`."""

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.keys_in_force import LABELS, RELAY_METRIC, keys_in_force


class ClusterKeyCollector(Collector):
    """Never shows a secret, nor anything that tells of one more than that it is another."""

    def __init__(self, keys: Callable[[], ClusterKeys]) -> None:
        """`keys`: those that every worker uses."""
        self._keys = keys

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            RELAY_METRIC,
            "1 for each line of the cluster's keys that every worker uses: mint, as the first of "
            "its layout, or read.",
            labels=LABELS,
        )
        for key in keys_in_force(self._keys()):
            family.add_metric(key.labels(), 1)
        yield family
