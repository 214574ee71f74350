"""Prometheus metrics of the native engine, read from plain counters at a scrape."""

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from inference.engines.native.backlog import Shed
from inference.engines.native.counters import STEP_BUCKETS_S, NativeCounters

PREFIX = "antiphon_inference_native_"


class NativeCollector(Collector):
    """Translates the engine's counters into metric families."""

    def __init__(self, counters: NativeCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        counters = self._counters
        yield GaugeMetricFamily(
            PREFIX + "slots", "Sessions that the model has room for.", value=counters.slots
        )
        yield GaugeMetricFamily(
            PREFIX + "sessions", "Sessions that have a slot.", value=counters.sessions
        )
        yield self._step_seconds()
        for name, text, value in (
            ("slot_steps", "Steps of 80 ms, over all slots.", counters.slot_steps),
            ("stalled_steps", "Steps that heard silence for want of input.", counters.stalled),
            ("handoffs", "Conversations that went on in a compacted slot.", counters.handoffs),
            (
                "forgotten",
                "Conversations beyond the model's context, forgotten for want of a slot.",
                counters.forgotten,
            ),
            (
                "restarts",
                "Times that a crashed model process was started again.",
                sum(counters.restarts.values()),
            ),
        ):
            yield CounterMetricFamily(PREFIX + name, text, value=value)
        yield self._shed()

    def _step_seconds(self) -> Metric:
        counts = [*accumulate(self._counters.steps_by_bucket)]
        bounds = [*(str(bound) for bound in STEP_BUCKETS_S), "+Inf"]
        return HistogramMetricFamily(
            PREFIX + "step_seconds",
            "Time that a step of the whole batch took; 0.08 is real time.",
            buckets=list(zip(bounds, counts, strict=True)),
            sum_value=self._counters.step_seconds,
        )

    def _shed(self) -> Metric:
        family = CounterMetricFamily(
            PREFIX + "shed_frames", "Frames of 80 ms that the model never heard.", labels=["reason"]
        )
        for reason in Shed:
            family.add_metric([reason.value], self._counters.shed[reason])
        return family
