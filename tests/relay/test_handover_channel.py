import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from relay.flows import FlowSnapshot, FlowState, SsrcSnapshot
from relay.handover_channel import (
    HandoverChannel,
    HandoverError,
    Offer,
    Released,
    Remembered,
    SnapshotWanted,
    TakenOver,
)
from relay.table_snapshot import TableSnapshot

OWNER = ("10.0.0.1", 5000)
FLOW = FlowSnapshot(("2001:db8::1", 9), OWNER, 2**64 - 1, FlowState.BOUND, 20, 2**32, 0, 0)
REMEMBERED = Remembered(TableSnapshot.of([FLOW], [SsrcSnapshot(2**32 - 1, OWNER, 7, 20)]))


@pytest.fixture
def pair() -> Iterator[tuple[HandoverChannel, HandoverChannel]]:
    here, there = map(HandoverChannel, socket.socketpair())
    with contextlib.closing(here), contextlib.closing(there):
        yield here, there


@pytest.fixture
def raw() -> Iterator[tuple[HandoverChannel, socket.socket]]:
    here, there = socket.socketpair()
    with contextlib.closing(HandoverChannel(here)) as channel, there:
        yield channel, there


@pytest.mark.parametrize(
    "message", [Offer(1, 2, 2, [0, 3]), SnapshotWanted(), REMEMBERED, TakenOver(), Released()]
)
async def test_carries_every_message(pair, message) -> None:
    here, there = pair

    await here.send(message)

    assert await there.expect(type(message)) == message


async def test_carries_a_table_larger_than_the_kernel_s_buffer(pair) -> None:
    here, there = pair
    table = Remembered(TableSnapshot.of([FLOW] * 50_000, []))

    _, arrived = await asyncio.gather(here.send(table), there.receive())

    assert arrived == table


async def test_carries_more_sockets_than_fit_one_message(pair) -> None:
    here, there = pair
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        await here.send(Offer(1, 300, 0, []))
        await here.send_sockets([bound] * 300)

        await there.receive()
        arrived = await there.receive_sockets(300)
        await here.send(TakenOver())

        assert {each.getsockname() for each in arrived} == {bound.getsockname()}
        assert await there.receive() == TakenOver()
        for each in arrived:
            each.close()


async def test_a_refusal_says_why(pair) -> None:
    here, there = pair

    await here.refuse("not now")

    with pytest.raises(HandoverError, match="not now"):
        await there.expect(Offer)


async def test_another_message_than_is_due_is_an_error(pair) -> None:
    here, there = pair

    await here.send(TakenOver())

    with pytest.raises(HandoverError, match="out of step"):
        await there.expect(Offer)


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x09abc"])
async def test_the_other_side_s_end_is_an_error_wherever_it_comes(raw, sent) -> None:
    channel, other = raw
    other.sendall(sent)
    other.close()

    with pytest.raises(HandoverError, match="ended"):
        await channel.receive()


async def test_the_end_before_all_sockets_came_is_an_error(raw) -> None:
    channel, other = raw
    with socket.socket() as some:
        socket.send_fds(other, [b"s"], [some.fileno()])
    other.close()

    with pytest.raises(HandoverError, match="ended"):
        await channel.receive_sockets(2)


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n", struct.pack(">I", 3) + b"abc", struct.pack(">I", 2) + b"\x81\xa0"],
)
async def test_something_else_is_an_error(raw, sent) -> None:
    channel, other = raw
    other.sendall(sent)

    with pytest.raises(HandoverError, match="speaks something else"):
        await channel.receive()


def test_another_user_is_refused(monkeypatch) -> None:
    here, there = socket.socketpair()
    stranger = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: stranger)

    with there, pytest.raises(HandoverError, match="not of this user"):
        HandoverChannel(here)
    assert here.fileno() == -1
