"""https://www.w3.org/TR/trace-context/: the examples are its."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tracing.trace_context import TraceContext, TraceparentError, trace_context

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
EXAMPLE = f"00-{TRACE_ID}-{SPAN_ID}-01"


def ids(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length).filter(any)


def test_the_example() -> None:
    context = TraceContext.parse(EXAMPLE)
    assert context == TraceContext(bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID), True)
    assert context.traceparent == EXAMPLE


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-00", False),
        (f"00-{TRACE_ID}-{SPAN_ID}-03", True),
        (f"00-{TRACE_ID}-{SPAN_ID}-fe", False),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", True),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-will-be-like", True),
    ],
)
def test_flags_and_later_versions(traceparent: str, sampled: bool) -> None:
    assert TraceContext.parse(traceparent).sampled is sampled


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        EXAMPLE.upper(),
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.more",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-{'x' * 500}",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f" {EXAMPLE}",
        f"{EXAMPLE}\n",
        EXAMPLE.replace("4", "\u0664"),
    ],
)
def test_what_is_no_traceparent(traceparent: str) -> None:
    with pytest.raises(TraceparentError):
        TraceContext.parse(traceparent)
    assert trace_context(traceparent) is None


def test_nothing_was_sent() -> None:
    assert trace_context(None) is None


@given(ids(16), ids(8), st.booleans())
def test_what_is_written_is_read(trace_id: bytes, span_id: bytes, sampled: bool) -> None:
    context = TraceContext(trace_id, span_id, sampled)
    assert TraceContext.parse(context.traceparent) == context


@given(st.text(max_size=600) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-.*"))
def test_anything_is_read_or_refused(text: str) -> None:
    context = trace_context(text)
    assert context is None or TraceContext.parse(context.traceparent) == context
