"""What became of a process's spans, as Prometheus metrics."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from chassis.tracing.span_queue import SpanQueue, SpanResult


class SpanCollector(Collector):
    """Of one tier's process."""

    def __init__(self, tier: str, queue: SpanQueue) -> None:
        self._tier = tier
        self._queue = queue

    def collect(self) -> Iterable[Metric]:
        spans = CounterMetricFamily(
            f"antiphon_{self._tier}_trace_spans",
            "Spans of traces that were made, by what became of them.",
            labels=["result"],
        )
        for result in SpanResult:
            spans.add_metric([result.value], self._queue.results[result])
        yield spans
