"""Calls that speak through a relay while it is flooded."""

from dataclasses import dataclass

import psutil

from antiphon_proto.address import Address
from tests.e2e.flood import Flood, FloodResult, hostile_datagrams
from tests.e2e.packet_log import voice
from tests.e2e.relay_traffic import Account, live_calls, relay_command
from tests.e2e.running_deployment import wait_until
from tests.relay.conftest import Cluster, RelayProcess

STRANGER = Cluster(bytes(32))
"""Holds keys, and those of another cluster: a genuine check would be answered, and rightly."""

SAMPLES = [STRANGER.check(STRANGER.ufrag(("127.0.0.1", 9))), voice(0, 0, 1)]

WARMING = 20_000
PATIENCE_S = 240.0


@dataclass(frozen=True, slots=True)
class FloodedCalls:
    """What a flood did."""

    account: Account
    result: FloodResult
    growth_bytes: int
    """Of the relay's resident memory, over what it has with the calls up."""
    moved: int
    """Calls whose owner sends elsewhere than to their client."""
    crashes: int
    drops: dict[str, float]
    kernel_drops: float

    def __str__(self) -> str:
        drops = ", ".join(f"{reason} {count:.0f}" for reason, count in self.drops.items())
        return (
            f"flood of {self.result.sent} in {self.result.seconds:.1f} s: {self.account}, "
            f"{100 * self.account.lost_share:.4f} %; "
            f"memory grew by {self.growth_bytes / 2**20:.1f} MiB; "
            f"dropped: {drops}, full receive buffer {self.kernel_drops:.0f}"
        )


def flood_calls(cluster: Cluster, calls: int, count: int, rate: float, *flags: str) -> FloodedCalls:
    """`count` hostile datagrams, at most `rate` a second, while so many calls speak."""
    with relay_command(cluster, *flags) as command:
        relay = command.start()
        workers = relay.workers()
        with live_calls(cluster, relay, calls) as live:
            _flood(relay.public, WARMING, rate)
            before = _resident_bytes(relay)
            result = _flood(relay.public, count, rate)
            growth = _resident_bytes(relay) - before
            live.wait_until_all_flow()
            homes = [live.callers.address(call) for call in range(calls)]
            moved = sum(at != home for at, home in zip(live.owner.selected(), homes, strict=True))
            crashes = int(relay.metric("worker_restarts_total"))
            assert relay.workers() == workers
            kernel_drops = relay.metric("receive_buffer_drops_total", socket="public")
            return FloodedCalls(
                live.end(), result, growth, moved, crashes, relay.drops(), kernel_drops
            )


def _flood(relay: Address, count: int, rate: float) -> FloodResult:
    flooding = Flood(relay, hostile_datagrams(SAMPLES), count, rate)
    wait_until(flooding.over, "the flood ends", PATIENCE_S)
    return flooding.result()


def _resident_bytes(relay: RelayProcess) -> int:
    processes = [psutil.Process(relay.process.pid), *relay.descendants()]
    return sum(process.memory_info().rss for process in processes)
