"""A flood of hostile datagrams while 100 calls speak."""

from dataclasses import dataclass

import psutil
import pytest

from tests.e2e.flood import Flood, FloodResult, hostile_datagrams
from tests.e2e.packet_log import voice
from tests.e2e.relay_traffic import Account, LiveCalls, live_calls, relay_command
from tests.e2e.running_deployment import wait_until
from tests.relay.conftest import Cluster, RelayProcess

CALLS = 100
LOST_AT_MOST = 0.001
GROWTH_AT_MOST = 32 << 20
"""Bytes of memory, over what the relay has with its calls up. What it remembers of a flood
is bounded; buffers that were never full before may be now."""

WARMING = 20_000
FLOOD_S = 240.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many datagrams, and how many a second at most."""

    fast_path: str
    datagrams: int
    rate: float


PACES = [Pace("on", 1_000_000, 100_000), Pace("off", 50_000, 10_000)]


STRANGER = Cluster(bytes(32))
"""Holds keys, and those of another cluster: a genuine check would be answered, and rightly."""

SAMPLES = [STRANGER.check(STRANGER.ufrag(("127.0.0.1", 9))), voice(0, 0, 1)]


def resident_bytes(relay: RelayProcess) -> int:
    processes = [psutil.Process(relay.process.pid), *relay.descendants()]
    return sum(process.memory_info().rss for process in processes)


def flood(relay: RelayProcess, live: LiveCalls, count: int, rate: float) -> FloodResult:
    flooding = Flood(relay.public, hostile_datagrams(SAMPLES), count, rate)
    wait_until(flooding.over, "the flood ends", FLOOD_S)
    return flooding.result()


def told(relay: RelayProcess, account: Account, result: FloodResult, growth: int) -> str:
    drops = ", ".join(f"{reason} {count:.0f}" for reason, count in relay.drops().items())
    return (
        f"flood of {result.sent} in {result.seconds:.1f} s "
        f"({result.sent / result.seconds:.0f} a second): {account}, "
        f"{100 * account.lost_share:.4f} %; memory grew by {growth / 2**20:.1f} MiB; "
        f"dropped: {drops}"
    )


@pytest.mark.parametrize("pace", PACES, ids=["fast", "plain"])
def test_calls_go_on_in_a_flood(pace: Pace) -> None:
    cluster = Cluster()
    with relay_command(cluster, f"--fast-path={pace.fast_path}") as command:
        relay = command.start()
        workers = relay.workers()
        with live_calls(cluster, relay, CALLS) as live:
            flood(relay, live, WARMING, pace.rate)
            before = resident_bytes(relay)
            result = flood(relay, live, pace.datagrams, pace.rate)
            growth = resident_bytes(relay) - before
            live.wait_until_all_flow()
            selected = live.owner.selected()
            account = live.end()
            print(told(relay, account, result, growth))
            assert relay.workers() == workers
            assert relay.metric("worker_restarts_total") == 0
    assert result.sent == pace.datagrams
    assert result.answered_bytes == 0
    assert account.lost_share < LOST_AT_MOST
    assert growth < GROWTH_AT_MOST
    assert account.duplicates == live.callers.misdelivered == 0
    assert selected == [live.callers.address(call) for call in range(CALLS)]
