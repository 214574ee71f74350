"""Posts spans to a collector, on the process's event loop, between what it does else.

https://opentelemetry.io/docs/specs/otlp/#otlphttp

No thread: one that encodes would hold the interpreter for milliseconds, in which no frame
of audio leaves. Here what is done at one go takes less than a millisecond.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp

from chassis.tracing.otlp import export_request, rejected_spans, span_to_protobuf
from chassis.tracing.span import Attributes, Span
from chassis.tracing.span_queue import SpanQueue, SpanResult

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
BATCH = 256
"""Spans of one request."""

AT_ONE_GO = 16
"""Spans that are encoded before others have their turn."""

TIMEOUT_S = 10.0
MAX_TRIES = 5
FIRST_BACKOFF_S, LAST_BACKOFF_S = 1.0, 30.0
CLOSING_S = 0.4
"""For the last spans of a process that ends."""

MAX_RESPONSE_BYTES = 64 * 1024
TRY_AGAIN = frozenset({429, 502, 503, 504})
"""https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes"""


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class SpanExporter:
    """Takes from `queue`, and counts there what became of the spans."""

    def __init__(
        self,
        collector: Collector,
        queue: SpanQueue,
        resource: Attributes,
        *,
        version: str,
        random: Callable[[], float],
    ) -> None:
        """`resource` tells of the process, `version` of what made the spans; `random` is from 0
        to 1."""
        self._collector = collector
        self._queue = queue
        self._resource = resource
        self._version = version
        self._random = random
        self._session: aiohttp.ClientSession | None = None
        self._works = True

    async def run(self) -> None:
        """Export until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            while self._queue:
                try:
                    await self._export(self._queue.take(BATCH), MAX_TRIES)
                except Exception:
                    logger.exception("spans were not exported")

    async def close(self) -> None:
        """Export what is left, if that is soon done; `run` must have ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                while self._works and self._queue:
                    await self._export(self._queue.take(BATCH), 1)
        if self._session is not None:
            await self._session.close()

    async def _export(self, spans: list[Span], tries: int) -> None:
        results = self._queue.results
        body = await self._encoded(spans)
        for tried in range(tries):
            result, rejected, wait_s = await self._post(body)
            if result is not SpanResult.UNREACHABLE:
                results[result] += len(spans) - rejected
                results[SpanResult.REJECTED] += rejected
                break
            if tried + 1 < tries:
                await asyncio.sleep(wait_s or self._backoff_s(tried))
        else:
            results[SpanResult.UNREACHABLE] += len(spans)
        self._tell(result)

    async def _encoded(self, spans: list[Span]) -> bytes:
        messages = []
        for number, span in enumerate(spans, start=1):
            messages.append(span_to_protobuf(span))
            if number % AT_ONE_GO == 0:
                await asyncio.sleep(0)
        return export_request(messages, self._resource, self._version)

    async def _post(self, body: bytes) -> tuple[SpanResult, int, float]:
        """What came of it, how many spans of it were rejected, and how long to wait then."""
        headers = {**self._collector.headers, "Content-Type": "application/x-protobuf"}
        try:
            async with self._opened().post(
                self._collector.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(MAX_RESPONSE_BYTES)
                if response.status == 200:
                    return SpanResult.EXPORTED, rejected_spans(answer), 0.0
                if response.status in TRY_AGAIN:
                    return SpanResult.UNREACHABLE, 0, _wait_s(response)
                return SpanResult.REFUSED, 0, 0.0
        except (aiohttp.ClientError, TimeoutError, OSError):
            return SpanResult.UNREACHABLE, 0, 0.0

    def _opened(self) -> aiohttp.ClientSession:
        """Made at first use, as it needs a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self._session

    def _backoff_s(self, tried: int) -> float:
        return min(FIRST_BACKOFF_S * 2.0**tried, LAST_BACKOFF_S) * (0.5 + self._random() / 2)

    def _tell(self, result: SpanResult) -> None:
        """One line when it stops working, and one when it works again."""
        works = result is SpanResult.EXPORTED
        if works is not self._works:
            self._works = works
            if works:
                logger.info("the collector takes traces again")
            else:
                logger.warning("the collector takes no traces (%s): they are lost", result.value)


def _wait_s(response: aiohttp.ClientResponse) -> float:
    """As it asks for, bounded; 0 where it says nothing."""
    text = response.headers.get("Retry-After", "")
    seconds = float(text[:4]) if text.isascii() and text.isdigit() else 0.0
    return min(seconds, LAST_BACKOFF_S)
