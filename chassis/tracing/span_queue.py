"""Spans on their way out, as many as there is room for."""

from collections import Counter, deque
from enum import Enum

from chassis.tracing.span import Span

MAX_SPANS = 4096


class SpanResult(Enum):
    """A label of the metrics of spans."""

    EXPORTED = "exported"
    QUEUE_FULL = "queue_full"
    """Made faster than the collector takes them, or while it took none."""
    UNREACHABLE = "unreachable"
    """The collector was not there, or did not answer in time, several times."""
    REFUSED = "refused"
    """The collector does not want them: a wrong address, or wrong headers."""
    REJECTED = "rejected"
    """The collector took the others of the same request."""


class SpanQueue:
    """What finds no room is counted and gone."""

    def __init__(self, max_spans: int = MAX_SPANS) -> None:
        self.results: Counter[SpanResult] = Counter()
        self._spans: deque[Span] = deque()
        self._max = max_spans

    def __len__(self) -> int:
        return len(self._spans)

    def put(self, span: Span) -> None:
        if len(self._spans) < self._max:
            self._spans.append(span)
        else:
            self.results[SpanResult.QUEUE_FULL] += 1

    def take(self, count: int) -> list[Span]:
        """The oldest, at most `count`."""
        return [self._spans.popleft() for _ in range(min(count, len(self._spans)))]
