"""Metric families from plain numbers."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from transceiver.duration_histogram import DurationHistogram

Kind = TypeVar("Kind", bound=Enum)


def gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def histogram(name: str, help_text: str, histogram: DurationHistogram) -> Metric:
    return HistogramMetricFamily(
        name, help_text, buckets=histogram.cumulative, sum_value=histogram.sum_s
    )


def directed(name: str, help_text: str, values: Mapping[str, int]) -> Metric:
    """A series for each direction, `up` from the client or `down` to it."""
    family = CounterMetricFamily(name, help_text, labels=["direction"])
    for direction, value in values.items():
        family.add_metric([direction], value)
    return family


def gauge_by_enum(
    name: str, help_text: str, label: str, kinds: type[Kind], values: Mapping[Kind, int]
) -> Metric:
    """A series for each member."""
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for kind in kinds:
        family.add_metric([str(kind.value)], values.get(kind, 0))
    return family


def by_enum(
    name: str, help_text: str, label: str, kinds: type[Kind], values: Mapping[Kind, int]
) -> Metric:
    """A series for each member, zeros too, so that a rate exists before the first event."""
    family = CounterMetricFamily(name, help_text, labels=[label])
    for kind in kinds:
        family.add_metric([str(kind.value)], values.get(kind, 0))
    return family
