"""What `/metrics` shows of the inference replicas, and of calls that change theirs."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from transceiver.hand_off import HandOffCounters, HandOffOutcome, HandOffReason
from transceiver.metric_families import counter, histogram
from transceiver.replica_directory import ReplicaDirectory


class ReplicaCollector(Collector):
    """The inference replicas, and calls that went from one to another."""

    def __init__(
        self,
        directory: ReplicaDirectory,
        hand_offs: HandOffCounters,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is the one by which `directory` is told of failures."""
        self._directory = directory
        self._clock = clock
        self._hand_offs = hand_offs

    def collect(self) -> Iterable[Metric]:
        replicas = GaugeMetricFamily(
            "antiphon_transceiver_replicas",
            "Inference replicas by state; sessions are placed on those that are ready.",
            labels=["state"],
        )
        for state, count in self._directory.states(self._clock()).items():
            replicas.add_metric([state.value], count)
        yield replicas
        yield counter(
            "antiphon_transceiver_placements",
            "Sessions that were placed on a replica.",
            self._directory.placements,
        )
        yield self._ended()
        yield histogram(
            "antiphon_transceiver_hand_off_seconds",
            "From when a call had lost its engine to when the next one was ready.",
            self._hand_offs.resumed_after,
        )

    def _ended(self) -> Metric:
        family = CounterMetricFamily(
            "antiphon_transceiver_hand_offs",
            "Calls that left their inference replica, by why and how.",
            labels=["reason", "outcome"],
        )
        for reason in HandOffReason:
            for outcome in HandOffOutcome:
                ended = self._hand_offs.ended[reason, outcome]
                family.add_metric([reason.value, outcome.value], ended)
        return family
