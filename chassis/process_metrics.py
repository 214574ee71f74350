"""What every process serves of itself, whichever tier it is of."""

import platform
from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class BuildCollector(Collector):
    """Which version runs: the same in all pods, but while one replaces another."""

    def __init__(self, tier: str, version: str, python: str) -> None:
        self._labels = [tier, version, python]

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily(
            "antiphon_build_info",
            "1, with the version that runs as a label.",
            labels=["tier", "version", "python"],
        )
        build.add_metric(self._labels, 1)
        yield build


def register_process_metrics(registry: CollectorRegistry, tier: str) -> None:
    """Have `registry` serve the build, and this process's own CPU, memory and files.

    The latter are Prometheus' standard `process_*`, without those of child processes:
    https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
    """
    registry.register(BuildCollector(tier, version("antiphon"), platform.python_version()))
    ProcessCollector(registry=registry)
