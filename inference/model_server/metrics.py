"""Model servers in Prometheus' terms."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind

PREFIX = "antiphon_inference_model_server_"


def model_server_metrics(counters: ModelServerCounters) -> Iterable[Metric]:
    tries = CounterMetricFamily(
        PREFIX + "tries", "Requests to model servers, retries too.", labels=["server", "outcome"]
    )
    for kind in ServerKind:
        for outcome in Outcome:
            tries.add_metric([kind.value, outcome.value], counters.tries[kind, outcome])
    yield tries
    yield _counter("retries", "Requests to model servers made again.", counters.retries)
    yield _counter(
        "breakers_opened",
        "Times that a server's circuit breaker opened, as it failed too often.",
        counters.breakers_opened,
    )
    breakers = GaugeMetricFamily(
        PREFIX + "breakers_open",
        "Servers that are not asked now, but by one request at a time to see whether they work.",
        labels=["server"],
    )
    for kind in ServerKind:
        breakers.add_metric([kind.value], counters.breakers_open[kind])
    yield breakers


def _counter(name: str, help_text: str, values: Counter[ServerKind]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, help_text, labels=["server"])
    for kind in ServerKind:
        family.add_metric([kind.value], values[kind])
    return family
