"""What is traced of a session's responses: a span of each, from Respond to Done."""

from antiphon_proto.trunk import Done, DoneStatus, Respond
from chassis.tracing.span import Attributes, SpanKind
from chassis.tracing.trace_context import trace_context
from chassis.tracing.tracer import UNTRACED, OpenSpan, Tracer

MAX_OPEN = 64
"""Far more than an engine answers at once."""


class ResponseSpans:
    """Of one session; what an engine does for a response is below its span."""

    def __init__(self, tracer: Tracer, engine: str) -> None:
        self._tracer = tracer
        self._engine = engine
        self._open: dict[int, OpenSpan] = {}

    def begin(self, request: Respond) -> OpenSpan:
        """The response's span, from now on."""
        turn = self._tracer.below(trace_context(request.traceparent))
        if turn.context is None or len(self._open) >= MAX_OPEN:
            return UNTRACED
        attributes: Attributes = {
            "antiphon.engine": self._engine,
            "antiphon.response": request.response,
        }
        span = turn.begin("respond", attributes, kind=SpanKind.SERVER)
        self._open[request.response] = span
        return span

    def done(self, done: Done) -> None:
        span = self._open.pop(done.response, UNTRACED)
        span.note({"antiphon.response.status": done.status.value})
        span.end(done.reason if done.status is DoneStatus.FAILED else "")

    def close(self, reason: str) -> None:
        """The session is over, and with it what it was answering."""
        for span in self._open.values():
            span.note({"antiphon.close_reason": reason})
            span.end()
        self._open.clear()
