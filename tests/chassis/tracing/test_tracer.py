import asyncio

import pytest

from chassis.tracing.span import SpanKind
from chassis.tracing.tracer import (
    MAX_ATTRIBUTE,
    MAX_ATTRIBUTES,
    NO_TRACER,
    UNTRACED,
    current_scope,
    within,
)
from tests.chassis.tracing.recorded import Recorder, remote, seconds


def test_spans_are_below_one_another() -> None:
    recorder = Recorder()
    root = recorder.tracer.begin("session")
    recorder.now = 1.0
    child = root.begin("turn", {"n": 1}, kind=SpanKind.CLIENT)
    recorder.now = 3.0
    child.end()
    root.end()
    session, turn = recorder.named("session"), recorder.named("turn")
    assert session.parent_id == b""
    assert turn.parent_id == session.context.span_id
    assert turn.context.trace_id == session.context.trace_id
    assert (seconds(session), seconds(turn)) == ((0.0, 3.0), (1.0, 3.0))
    assert (turn.kind, turn.attributes, turn.error) == (SpanKind.CLIENT, {"n": 1}, "")


def test_a_trace_that_began_elsewhere_goes_on() -> None:
    recorder = Recorder()
    recorder.tracer.begin("session", parent=remote()).end()
    recorder.tracer.below(remote()).record("part", 1.0, 2.0)
    for span in recorder.spans:
        assert (span.context.trace_id, span.parent_id) == (remote().trace_id, remote().span_id)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_who_began_a_trace_says_whether_it_is_recorded(ratio: float) -> None:
    recorder = Recorder(ratio)
    recorder.tracer.begin("recorded", parent=remote()).end()
    unrecorded = recorder.tracer.begin("not", parent=remote(sampled=False))
    child = unrecorded.begin("below")
    child.end()
    unrecorded.record("part", 0.0, 1.0)
    unrecorded.end()
    assert [span.name for span in recorder.spans] == ["recorded"]
    assert child.traceparent.endswith("-00"), "others are told not to record, too"
    assert child.trace_id == "", "a line of the log names no trace that nobody finds"


def test_a_share_of_the_traces_that_begin_here_is_recorded() -> None:
    drawn = iter(range(1, 100_000))
    recorder = Recorder(0.25)
    recorder.tracer._random_bytes = lambda length: (  # spread evenly
        next(drawn) * 0x9E3779B97F4A7C15 % (1 << 64)
    ).to_bytes(length, "big")
    for _ in range(2000):
        recorder.tracer.begin("session").end()
    assert 400 < len(recorder.spans) < 600


def test_ids_of_zeros_are_drawn_again() -> None:
    recorder = Recorder()
    drawn = iter([bytes(16), b"t" * 16, bytes(8), b"s" * 8])
    recorder.tracer._random_bytes = lambda _length: next(drawn)
    assert recorder.tracer.begin("session").context == remote()


def test_only_the_first_end_counts() -> None:
    recorder = Recorder()
    span = recorder.tracer.begin("session")
    span.end("refused")
    span.end()
    [recorded] = recorder.spans
    assert (recorded.error, recorded.attributes) == ("refused", {"error.type": "refused"})


def test_a_span_may_be_over_before_it_is_known_what_it_is_part_of() -> None:
    recorder = Recorder()
    session = recorder.tracer.begin("session")
    turn = session.begin("turn")
    answer = session.begin("answer")
    recorder.now = 2.0
    answer.over()
    recorder.now = 5.0
    answer.over()
    answer.move_below(turn)
    answer.end()
    recorded = recorder.named("answer")
    assert turn.context is not None
    assert recorded.parent_id == turn.context.span_id
    assert seconds(recorded) == (0.0, 2.0)


def test_a_span_does_not_move_to_another_trace() -> None:
    recorder = Recorder()
    span = recorder.tracer.below(remote()).begin("answer")
    span.move_below(recorder.tracer.begin("another"))
    span.move_below(UNTRACED)
    span.end()
    assert recorder.named("answer").parent_id == remote().span_id


def test_no_span_ends_before_it_begins() -> None:
    recorder = Recorder()
    recorder.tracer.begin("session").record("part", 3.0, 1.0)
    assert seconds(recorder.named("part")) == (3.0, 3.0)


def test_what_is_said_of_a_span_is_bounded() -> None:
    recorder = Recorder()
    many = {f"a{number}": "x" * 1000 for number in range(100)}
    recorder.tracer.begin("n" * 1000, many).end()
    [span] = recorder.spans
    assert len(span.name) == MAX_ATTRIBUTE
    assert len(span.attributes) == MAX_ATTRIBUTES
    assert {len(str(value)) for value in span.attributes.values()} == {MAX_ATTRIBUTE}


def test_a_process_that_is_not_traced_does_nothing() -> None:
    for scope in (NO_TRACER.begin("session", parent=remote()), NO_TRACER.below(remote())):
        child = scope.begin("turn", {"a": 1})
        child.note({"b": 2})
        child.over()
        child.end("error")
        assert (child.traceparent, child.trace_id) == ("", "")
        assert child._attributes == {}, "it is shared by all"


def test_a_session_outside_of_traces_has_no_spans() -> None:
    recorder = Recorder()
    recorder.tracer.below(None).begin("turn").end()
    assert recorder.spans == []


async def test_a_task_works_below_what_was_current_when_it_was_made() -> None:
    recorder = Recorder()
    span = recorder.tracer.begin("session")

    async def work() -> None:
        current_scope.get().record("work", 0.0, 1.0)

    with within(span):
        task = asyncio.create_task(work())
    assert current_scope.get() is UNTRACED
    await task
    span.end()
    assert recorder.names_below(recorder.named("session")) == ["work"]
