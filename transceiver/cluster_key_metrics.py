"""What `/metrics` shows of the cluster's keys, for `antiphon keys rotate`."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.keys_in_force import (
    LABELS,
    LIFETIME_METRIC,
    TRANSCEIVER_METRIC,
    keys_in_force,
)
from transceiver.call_mint import UFRAG_MARGIN_S
from transceiver.metric_families import gauge
from transceiver.signaling.client_secret_endpoint import LONGEST_LIFETIME_S


class ClusterKeyCollector(Collector):
    """Never shows a secret, nor anything that tells of one more than that it is another."""

    def __init__(self, keys: ClusterKeys, max_call_seconds: int) -> None:
        self._keys = keys
        self._lifetime_s = max(max_call_seconds + UFRAG_MARGIN_S, LONGEST_LIFETIME_S)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Say so; to be called when everything else uses them."""
        self._keys = keys

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            TRANSCEIVER_METRIC,
            "1 for each line of the cluster's keys that this worker uses: mint, as the first of "
            "its layout, or read.",
            labels=LABELS,
        )
        for key in keys_in_force(self._keys):
            family.add_metric(key.labels(), 1)
        yield family
        yield gauge(
            LIFETIME_METRIC,
            "How long what a key made may be in use: the longest call with its margin, or the "
            "longest client secret.",
            self._lifetime_s,
        )
