"""Prometheus metrics of what MCP servers were asked."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from transceiver.mcp.counters import McpCounters, McpRequestKind, McpResult


class McpCollector(Collector):
    """Reads the counters at a scrape."""

    def __init__(self, counters: McpCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "antiphon_transceiver_mcp_requests",
            "Requests to MCP servers that have ended, by what was asked and what came of it.",
            labels=["kind", "result"],
        )
        for kind in McpRequestKind:
            for result in McpResult:
                family.add_metric([kind.value, result.value], self._counters.ended[kind, result])
        yield family
