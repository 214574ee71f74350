"""Makes spans: which traces are recorded, and when and below what each of their spans was.

A process that records nothing has the same calls made, of `UNTRACED`: they do nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chassis.tracing.span import Attribute, Attributes, Span, SpanKind
from chassis.tracing.trace_context import SPAN_ID_BYTES, TRACE_ID_BYTES, TraceContext

MAX_ATTRIBUTE = 256
"""Characters of a text."""

MAX_ATTRIBUTES = 32


class SpanScope:
    """What spans may be begun below: a span of this process, or of another one."""

    def __init__(
        self, tracer: "Tracer | None", context: TraceContext | None, epoch: float = 0.0
    ) -> None:
        """`epoch`: the Unix time at which the tracer's clock was zero, one for all that is below,
        so that what follows one another here does so where it is shown."""
        self._tracer = tracer
        self._epoch = epoch
        self.context = context

    @property
    def trace_id(self) -> str:
        """Hexadecimal; empty where nothing is recorded."""
        context = self.context
        return context.trace_id.hex() if context is not None and context.sampled else ""

    @property
    def traceparent(self) -> str:
        """For another process; empty outside of traces."""
        return self.context.traceparent if self.context else ""

    def begin(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        at: float | None = None,
    ) -> "OpenSpan":
        """A span below this one, from `at` on the tracer's clock, or from now."""
        if self._tracer is None or self.context is None:
            return UNTRACED
        parent = self.context
        context = TraceContext(parent.trace_id, self._tracer.span_id(), parent.sampled)
        span = OpenSpan(self._tracer, context, self._epoch, parent.span_id, name, kind, at)
        span.note(attributes or {})
        return span

    def record(
        self, name: str, start: float, end: float, attributes: Attributes | None = None
    ) -> None:
        """A span below this one that is over."""
        if self.context is not None and self.context.sampled:
            self.begin(name, attributes, at=start).end(at=end)


class OpenSpan(SpanScope):
    """A span that goes on; it is recorded by its end."""

    def __init__(
        self,
        tracer: "Tracer | None",
        context: TraceContext | None,
        epoch: float,
        parent_id: bytes,
        name: str,
        kind: SpanKind,
        at: float | None,
    ) -> None:
        super().__init__(tracer, context, epoch)
        self._parent_id = parent_id
        self._name = name
        self._kind = kind
        self._attributes: dict[str, Attribute] = {}
        self._start = 0.0 if tracer is None else tracer.clock() if at is None else at
        self._over_at: float | None = None
        self._ended = False

    def note(self, attributes: Attributes) -> None:
        """Say more of it; nothing that a user said or is."""
        if self.context is not None:
            self._attributes.update(attributes)

    def began(self, at: float) -> None:
        """It began at another time than was thought."""
        self._start = at

    def over(self) -> None:
        """It is over now, whenever it is ended."""
        if self._tracer is not None and self._over_at is None:
            self._over_at = self._tracer.clock()

    def move_below(self, scope: SpanScope) -> None:
        """It is part of something that was not known when it began, of the same trace."""
        same = scope.context and self.context and scope.context.trace_id == self.context.trace_id
        if same and scope.context:
            self._parent_id = scope.context.span_id

    def end(self, error: str = "", *, at: float | None = None) -> None:
        """The first call counts. `error`: a name of few values for what went wrong."""
        if self._ended or self._tracer is None or self.context is None:
            return
        self._ended = True
        if not self.context.sampled:
            return
        tracer = self._tracer
        if error:
            self._attributes["error.type"] = error
        self.over()
        end = at or self._over_at or self._start
        tracer.put(
            Span(
                self.context,
                self._parent_id,
                self._name[:MAX_ATTRIBUTE],
                self._kind,
                self._unix_ns(self._start),
                self._unix_ns(max(self._start, end)),
                _bounded(self._attributes),
                error[:MAX_ATTRIBUTE],
            )
        )

    def _unix_ns(self, at: float) -> int:
        return int((self._epoch + at) * 1e9)


UNTRACED = OpenSpan(None, None, 0.0, b"", "", SpanKind.INTERNAL, None)


class Tracer:
    """One process's."""

    def __init__(
        self,
        put: Callable[[Span], None],
        *,
        ratio: float,
        clock: Callable[[], float],
        unix_time: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """`ratio` of the traces that begin here are recorded; `clock` is monotonic, in seconds,
        `unix_time` of the same moments."""
        self.put = put
        self.clock = clock
        self._unix_time = unix_time
        self._random_bytes = random_bytes
        self._threshold = int(ratio * (1 << 8 * SPAN_ID_BYTES))

    def begin(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        parent: TraceContext | None = None,
        kind: SpanKind = SpanKind.SERVER,
    ) -> OpenSpan:
        """The first span here of a trace, which another process's `parent` began, or a new one.

        https://opentelemetry.io/docs/specs/otel/trace/sdk/#parentbased
        """
        trace_id = parent.trace_id if parent else self._random_id(TRACE_ID_BYTES)
        sampled = parent.sampled if parent else self._samples(trace_id)
        context = TraceContext(trace_id, self.span_id(), sampled)
        above = parent.span_id if parent else b""
        span = OpenSpan(self, context, self._epoch(), above, name, kind, None)
        span.note(attributes or {})
        return span

    def below(self, context: TraceContext | None) -> SpanScope:
        """Where spans below another process's span are begun."""
        return SpanScope(self, context, self._epoch())

    def span_id(self) -> bytes:
        return self._random_id(SPAN_ID_BYTES)

    def _epoch(self) -> float:
        return self._unix_time() - self.clock()

    def _samples(self, trace_id: bytes) -> bool:
        """https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased"""
        return int.from_bytes(trace_id[-SPAN_ID_BYTES:], "big") < self._threshold

    def _random_id(self, length: int) -> bytes:
        while not any(drawn := self._random_bytes(length)):
            pass
        return drawn


class NoTracer(Tracer):
    """Of a process that is not traced."""

    def __init__(self) -> None:
        super().__init__(
            lambda _span: None,
            ratio=0.0,
            clock=lambda: 0.0,
            unix_time=lambda: 0.0,
            random_bytes=bytes,
        )

    def begin(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        parent: TraceContext | None = None,
        kind: SpanKind = SpanKind.SERVER,
    ) -> OpenSpan:
        return UNTRACED

    def below(self, context: TraceContext | None) -> SpanScope:
        return UNTRACED


NO_TRACER = NoTracer()

current_scope: ContextVar[SpanScope] = ContextVar("current_scope", default=UNTRACED)
"""What a task's spans are below."""


@contextmanager
def within(scope: SpanScope) -> Iterator[None]:
    """Have `current_scope` be this one, for the block and the tasks that are made there."""
    token = current_scope.set(scope)
    try:
        yield
    finally:
        current_scope.reset(token)


def _bounded(attributes: Attributes) -> Attributes:
    pairs = list(attributes.items())[:MAX_ATTRIBUTES]
    return {key: value[:MAX_ATTRIBUTE] if isinstance(value, str) else value for key, value in pairs}
