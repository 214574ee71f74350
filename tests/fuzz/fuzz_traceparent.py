"""Traceparents: anything is read or refused, and what was read is written as it was."""

import contextlib

from chassis.tracing.trace_context import TraceContext, TraceparentError

EXAMPLE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SEEDS = [EXAMPLE, b"cc" + EXAMPLE[2:] + b"-what-the-future-will-be-like", EXAMPLE[:-1] + b"0"]


def one_input(data: bytes) -> None:
    with contextlib.suppress(TraceparentError):
        text = data.decode("latin-1")
        context = TraceContext.parse(text)
        assert context.traceparent[3:53] == text[3:53]
        assert TraceContext.parse(context.traceparent) == context
