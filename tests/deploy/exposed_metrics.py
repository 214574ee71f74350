"""Every series that a Prometheus beside a deployment may know, by its name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric

from tests.deploy.rule_files import recorded
from tests.metrics_page import (
    inference_metrics,
    process_metrics,
    relay_metrics,
    transceiver_metrics,
)

TARGET_LABELS = frozenset({"namespace", "pod", "instance", "job"})
"""What a scrape adds to whatever it finds."""

OPEN_LABELS = frozenset(
    {"version", "python", "engine", "config_id", "worker", "zone", "cluster", "fingerprint"}
)
"""Labels whose values are not all known beforehand."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """Series of one name: the values that each label has, none of them listed for an open one."""

    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    grows: bool = False
    """Whether it is a counter, or part of a histogram."""
    is_target: bool = True

    def names(self) -> frozenset[str]:
        return frozenset(self.labels) | (TARGET_LABELS if self.is_target else frozenset())


FOREIGN: Mapping[str, Exposed] = {
    # https://prometheus.io/docs/concepts/jobs_instances/
    "up": Exposed({}),
    # https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
    "ALERTS": Exposed(
        {"alertname": frozenset(), "alertstate": frozenset({"pending", "firing"})},
    ),
    # https://docs.nvidia.com/datacenter/dcgm/latest/gpu-telemetry/dcgm-exporter.html
    **{
        f"DCGM_FI_DEV_{name}": Exposed({"gpu": frozenset(), "Hostname": frozenset()})
        for name in ("GPU_UTIL", "FB_USED", "FB_FREE", "XID_ERRORS")
    },
    # https://docs.vllm.ai/en/v0.12.0/design/metrics/
    **{
        f"vllm:{name}": Exposed({"model_name": frozenset()})
        for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
    },
    "vllm:time_to_first_token_seconds_bucket": Exposed(
        {"model_name": frozenset(), "le": frozenset({"0.1", "1.0", "+Inf"})}, grows=True
    ),
}


def own_families() -> list[Metric]:
    """What the tiers serve."""
    tiers = [*relay_metrics(), *transceiver_metrics(), *inference_metrics()]
    return [*process_metrics(), *tiers]


def _own() -> dict[str, Exposed]:
    exposed: dict[str, Exposed] = {}
    for family in own_families():
        grows = family.type in ("counter", "histogram")
        for name in {sample.name for sample in family.samples}:
            of_name = [sample.labels for sample in family.samples if sample.name == name]
            if not name.endswith("_created"):
                exposed[name] = Exposed(_values(of_name), grows)
    return exposed


def _values(samples: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    values: dict[str, set[str]] = {}
    for labels in samples:
        for label, value in labels.items():
            values.setdefault(label, set()).add(value)
    return {
        label: frozenset() if label in OPEN_LABELS else frozenset(found)
        for label, found in values.items()
    }


def _recorded() -> dict[str, Exposed]:
    """Series that rules make have the labels that their rules keep."""
    made = {}
    for name, expression in recorded().items():
        [labels, *_] = re.findall(r"by \(([^)]*)\)", expression)
        kept = {label.strip() for label in labels.split(",")} - {"le"}
        own = {label: frozenset[str]() for label in kept - TARGET_LABELS}
        made[name] = Exposed(own)
    return made


def exposed_metrics() -> dict[str, Exposed]:
    return {**_own(), **_recorded(), **FOREIGN}
