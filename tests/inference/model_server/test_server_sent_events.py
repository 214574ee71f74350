"""Events out of bytes, however they are cut, and never too much of them."""

from collections import deque
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.model_server.server_sent_events import EventStream, EventStreamError

DATA = st.binary(min_size=1, max_size=40).filter(
    lambda data: not set(data) & set(b"\r\n") and not data.startswith(b" ")
)
ENDS = st.sampled_from([b"\n", b"\r\n"])


@given(st.lists(DATA), ENDS, st.lists(st.integers(1, 50), min_size=1), st.booleans())
def test_events_come_whole_however_they_are_cut(
    events: list[bytes], end: bytes, cuts: list[int], space: bool
) -> None:
    colon = b"data: " if space else b"data:"
    received = b"".join(colon + data + end + end for data in events)
    stream, found, at = EventStream(), list[bytes](), 0
    while at < len(received):
        size = cuts[at % len(cuts)]
        found += stream.push(received[at : at + size])
        at += size
    assert found == events


def test_lines_of_one_event_are_joined_and_the_rest_is_passed_over() -> None:
    stream = EventStream()
    received = b": alive\nevent: delta\nid: 7\ndata: one\ndata\ndata:two\n\nretry: 5\n\ndata: half"
    assert stream.push(received) == [b"one\n\ntwo"]


@pytest.mark.parametrize("piece", [b"x", b"data: x\n", b"data: xxxx\ndata: ", b": x\n\n"])
def test_an_event_may_not_grow_without_end(piece: bytes) -> None:
    stream = EventStream(max_event_bytes=1000)
    with pytest.raises(EventStreamError):
        deque(map(stream.push, repeat(piece, 1001)), maxlen=0)


@given(st.lists(st.binary(max_size=200)))
def test_anything_is_events_or_an_error(pieces: list[bytes]) -> None:
    stream = EventStream(max_event_bytes=100)
    try:
        for piece in pieces:
            for event in stream.push(piece):
                assert len(event) <= 300
    except EventStreamError:
        pass
