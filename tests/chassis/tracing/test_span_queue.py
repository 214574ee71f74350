from chassis.tracing.span import Span, SpanKind
from chassis.tracing.span_queue import SpanQueue, SpanResult
from tests.chassis.tracing.recorded import remote


def span(name: str) -> Span:
    return Span(remote(), b"", name, SpanKind.INTERNAL, 0, 1, {})


def test_the_oldest_come_first_and_what_finds_no_room_is_counted() -> None:
    queue = SpanQueue(3)
    for name in "abcde":
        queue.put(span(name))
    assert [each.name for each in queue.take(2)] == ["a", "b"]
    queue.put(span("f"))
    assert [each.name for each in queue.take(9)] == ["c", "f"]
    assert len(queue) == 0
    assert queue.results == {SpanResult.QUEUE_FULL: 2}
