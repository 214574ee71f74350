"""The pipes' framing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.worker_messages import (
    MAX_MESSAGE_BYTES,
    Kind,
    WorkerMessage,
    WorkerMessageError,
    WorkerMessageReader,
)

uint32 = st.integers(0, 2**32 - 1)
messages = st.lists(
    st.builds(WorkerMessage, st.sampled_from(Kind), uint32, uint32, st.binary(max_size=50)),
    max_size=6,
)


def test_layout() -> None:
    message = WorkerMessage(Kind.AUDIO, 2, 0x01020304, b"\xff\xfe")
    assert message.encode() == bytes.fromhex("0b000000 05 02000000 04030201 fffe")


@given(messages, st.integers(1, 20))
def test_round_trip_in_any_cut(sent: list[WorkerMessage], size: int) -> None:
    stream = b"".join(message.encode() for message in sent)
    reader = WorkerMessageReader()
    got = []
    for start in range(0, len(stream), size):
        got += reader.feed(stream[start : start + size])
    assert got == sent


@given(st.binary(max_size=100))
def test_any_bytes_give_messages_or_the_documented_error(data: bytes) -> None:
    try:
        got = WorkerMessageReader().feed(data)
    except WorkerMessageError:
        return
    assert data.startswith(b"".join(message.encode() for message in got))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes.fromhex("00000000 05 00000000 00000000"), id="too short"),
        pytest.param(bytes.fromhex("ffffff7f 05 00000000 00000000"), id="too long"),
        pytest.param(bytes.fromhex("09000000 ff 00000000 00000000"), id="unknown kind"),
    ],
)
def test_garbage(data: bytes) -> None:
    with pytest.raises(WorkerMessageError):
        WorkerMessageReader().feed(data)


def test_a_payload_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(WorkerMessageError):
        WorkerMessage(Kind.AUDIO, payload=bytes(MAX_MESSAGE_BYTES)).encode()
