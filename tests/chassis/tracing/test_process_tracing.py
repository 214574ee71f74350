import asyncio
import importlib.util
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from chassis.settings import SettingError
from chassis.tracing.process_tracing import check_tracing, process_tracing
from chassis.tracing.settings import TracingSettings
from chassis.tracing.tracer import NO_TRACER
from tests.e2e.otlp_collector import Traces, otlp_collector

PATIENCE_S = 20.0


@pytest.fixture
def traces() -> Iterator[Traces]:
    with otlp_collector() as traces:
        yield traces


def counted(registry: CollectorRegistry, result: str) -> float | None:
    return registry.get_sample_value("antiphon_test_trace_spans_total", {"result": result})


async def test_spans_are_exported_and_counted(traces: Traces) -> None:
    registry = CollectorRegistry()
    settings = TracingSettings(
        otlp_endpoint=f"{traces.url}/v1/traces",
        trace_attributes={"k8s.pod.name": "a-pod", "service.name": "another"},
    )
    async with process_tracing(settings, "test", registry) as tracer:
        tracer.begin("session").end()
        async with asyncio.timeout(PATIENCE_S):
            while not counted(registry, "exported"):
                await asyncio.sleep(0.01)
    [span] = traces.spans
    assert span.resource["service.name"] == "another", "an operator may name it"
    assert span.resource["k8s.pod.name"] == "a-pod"
    assert {"service.namespace", "service.version", "service.instance.id", "host.name"} <= set(
        span.resource
    )


async def test_without_an_endpoint_nothing_is_made_and_the_metrics_are_there() -> None:
    registry = CollectorRegistry()
    async with process_tracing(TracingSettings(), "test", registry) as tracer:
        assert tracer is NO_TRACER
    assert counted(registry, "exported") == 0


def test_an_endpoint_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = TracingSettings(otlp_endpoint="http://collector:4318/v1/traces")
    check_tracing(wanted)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    check_tracing(TracingSettings())
    with pytest.raises(SettingError, match=r"--otlp-endpoint needs .* 'antiphon\[tracing\]'"):
        check_tracing(wanted)
