"""Prometheus metrics of one worker's webhooks."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from transceiver.metric_families import by_enum, counter
from transceiver.webhooks.delivery import WebhookCounters, WebhookOutcome


class WebhookCollector(Collector):
    """Translates the counters into metric families."""

    def __init__(self, counters: WebhookCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        yield by_enum(
            "antiphon_transceiver_webhooks",
            "Events for the operator's application, by what became of them.",
            "outcome",
            WebhookOutcome,
            self._counters.outcomes,
        )
        yield counter(
            "antiphon_transceiver_webhook_attempts",
            "Times that one was posted.",
            self._counters.attempts,
        )
