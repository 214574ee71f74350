"""A relay is connected and carries the load; the one that needs no other program."""

import os

from bench.relay.contenders import asyncio_relay
from bench.relay.endpoints import Endpoints
from bench.relay.load import Answer, Count, Traffic
from bench.relay.measurement import measure_cost


def test_the_asyncio_relay_carries_both_ways() -> None:
    with Endpoints() as ends, asyncio_relay(ends, os.sched_getaffinity(0)) as relay:
        cost = measure_cost(ends, relay, Traffic(up_window=64, answer=Answer.FRAME_BY_FRAME), 0.05)
    assert (cost.wrong, cost.lost) == (0, 0)
    assert ends.counts[Count.UP_RECEIVED] > 0
    assert ends.counts[Count.DOWN_RECEIVED] > 0
    assert cost.cpu_seconds > 0
    assert cost.packets <= cost.sent
