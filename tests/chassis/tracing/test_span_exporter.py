"""Spans on their way to a collector that is there, and to ones that are not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from chassis.tracing import span_exporter
from chassis.tracing.span import Span, SpanKind
from chassis.tracing.span_exporter import Collector, SpanExporter
from chassis.tracing.span_queue import SpanQueue, SpanResult
from tests.chassis.tracing.recorded import remote
from tests.e2e.otlp_collector import Traces, otlp_collector

PATIENCE_S = 20.0


@pytest.fixture
def traces() -> Iterator[Traces]:
    with otlp_collector() as traces:
        yield traces


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INTERVAL_S", "FIRST_BACKOFF_S"):
        monkeypatch.setattr(span_exporter, name, 0.01)


def span(number: int) -> Span:
    attributes = {"text": "a", "count": 2, "share": 0.5, "yes": True, "list": ("b",)}
    return Span(remote(), b"p" * 8, f"s{number}", SpanKind.SERVER, 5, 7, attributes, "broken")


@asynccontextmanager
async def exporting(url: str, count: int = 1) -> AsyncIterator[SpanQueue]:
    """`count` spans are in the queue from the start."""
    queue = SpanQueue()
    exporter = SpanExporter(
        Collector(f"{url}/v1/traces", {"x-scope": "ours"}),
        queue,
        {"service.name": "antiphon-test"},
        version="1",
        random=lambda: 0.5,
    )
    for number in range(count):
        queue.put(span(number))
    running = asyncio.create_task(exporter.run())
    try:
        yield queue
    finally:
        running.cancel()
        await asyncio.wait([running])
        await exporter.close()


async def settled(queue: SpanQueue, result: SpanResult, count: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while queue.results[result] < count:
            await asyncio.sleep(0.01)


async def test_a_span_comes_as_it_was(traces: Traces) -> None:
    async with exporting(traces.url) as queue:
        await settled(queue, SpanResult.EXPORTED)
    [received] = traces.spans
    assert received.resource == {"service.name": "antiphon-test"}
    assert (received.trace_id, received.span_id) == ((b"t" * 16).hex(), (b"s" * 8).hex())
    assert received.parent_id == (b"p" * 8).hex()
    assert (received.name, received.kind, received.error) == ("s0", 2, "broken")
    assert (received.start_ns, received.end_ns) == (5, 7)
    attributes = dict(received.attributes)
    assert [value.string_value for value in attributes.pop("list").values] == ["b"]
    assert attributes == {"text": "a", "count": 2, "share": 0.5, "yes": True}
    assert traces.headers[0]["x-scope"] == "ours"


async def test_many_go_in_requests_of_bounded_size(traces: Traces) -> None:
    count = 2 * span_exporter.BATCH + 1
    async with exporting(traces.url, count) as queue:
        await settled(queue, SpanResult.EXPORTED, count)
    assert [each.name for each in traces.spans] == [f"s{number}" for number in range(count)]
    assert len(traces.bodies) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_is_busy_is_asked_again(traces: Traces, status: int) -> None:
    traces.answers = [(status, {}), (status, {"Retry-After": "0"})]
    async with exporting(traces.url) as queue:
        await settled(queue, SpanResult.EXPORTED)
    assert queue.results == {SpanResult.EXPORTED: 1, SpanResult.REJECTED: 0}


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 500])
async def test_one_that_does_not_want_them_is_not(traces: Traces, status: int) -> None:
    traces.answers = [(status, {"Location": f"{traces.url}/v1/traces"})]
    async with exporting(traces.url) as queue:
        await settled(queue, SpanResult.REFUSED)
    assert traces.spans == []


async def test_spans_of_one_that_is_not_there_are_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(span_exporter, "MAX_TRIES", 2)
    count = span_exporter.BATCH + 1
    async with exporting("http://127.0.0.1:1", count) as queue:
        await settled(queue, SpanResult.UNREACHABLE, count)
    assert caplog.messages == ["the collector takes no traces (unreachable): they are lost"]


async def test_the_log_says_when_that_is_over(
    traces: Traces, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    traces.answers = [(400, {}), (400, {})]
    async with exporting(traces.url) as queue:
        for number in (1, 2):
            await settled(queue, SpanResult.REFUSED, number)
            queue.put(span(number))
        await settled(queue, SpanResult.EXPORTED)
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        "the collector takes no traces",
        "the collector takes traces again",
    ]


async def test_what_is_left_goes_at_the_end(
    traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_exporter, "INTERVAL_S", 3600.0)
    monkeypatch.setattr(span_exporter, "CLOSING_S", PATIENCE_S)
    async with exporting(traces.url, 3):
        pass
    assert len(traces.spans) == 3


async def test_the_end_does_not_wait_for_a_collector_that_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(span_exporter, "INTERVAL_S", 3600.0)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(PATIENCE_S), exporting(f"http://127.0.0.1:{port}"):
        pass
    server.close()
