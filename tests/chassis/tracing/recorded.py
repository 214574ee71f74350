"""A tracer on a clock that a test moves, and what it recorded."""

import itertools

from chassis.tracing.span import Span
from chassis.tracing.trace_context import TraceContext
from chassis.tracing.tracer import Tracer

UNIX_EPOCH_S = 1_700_000_000.0


class Recorder:
    """Ids are drawn as 1, 2, 3 and so on."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.now = 0.0
        self.spans: list[Span] = []
        drawn = itertools.count(1)
        self.tracer = Tracer(
            self.spans.append,
            ratio=ratio,
            clock=lambda: self.now,
            unix_time=lambda: UNIX_EPOCH_S + self.now,
            random_bytes=lambda length: next(drawn).to_bytes(length, "big"),
        )

    def named(self, name: str) -> Span:
        [span] = [each for each in self.spans if each.name == name]
        return span

    def names_below(self, parent: Span) -> list[str]:
        below = parent.context.span_id
        return [each.name for each in self.spans if each.parent_id == below]


def seconds(span: Span) -> tuple[float, float]:
    """Its beginning and its end on the test's clock."""
    start, end = ((ns / 1e9 - UNIX_EPOCH_S) for ns in (span.start_ns, span.end_ns))
    return round(start, 3), round(end, 3)


def remote(*, sampled: bool = True) -> TraceContext:
    """Another process's span."""
    return TraceContext(b"t" * 16, b"s" * 8, sampled)
