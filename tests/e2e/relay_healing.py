"""What may befall a relay while many calls speak, and what becomes of every packet then.

Clients send media alone all the while.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from antiphon_proto.address import Address
from tests.e2e.packet_log import MILLISECOND_NS
from tests.e2e.relay_traffic import Account, LiveCalls, RelayCommand, live_calls, relay_command
from tests.e2e.running_deployment import wait_until
from tests.relay.conftest import Cluster, RelayProcess

GONE_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Healing:
    """What a restarted relay's calls went through."""

    away_ms: float
    """From the relay's end until the restarted one forwarded what a client sent."""
    up_ms: float
    """From then until the last call was heard by the owner again."""
    down_ms: float
    """From then until the last call heard the owner again; negative for before."""
    checks: int
    """What the restarted relay had of clients' STUN by then."""

    def __str__(self) -> str:
        return (
            f"away {self.away_ms:.0f} ms; once back, every call is heard by its owner after "
            f"{self.up_ms:.1f} ms and hears it after {self.down_ms:.1f} ms"
        )


class Killed:
    """A relay that is killed and started again, as often as `again` is called."""

    def __init__(self, live: LiveCalls, relay: RelayProcess, command: RelayCommand) -> None:
        self._live = live
        self._relay = relay
        self._command = command

    def again(self, absence_s: float = 0.0) -> Healing:
        """`absence_s` is for how long there is nothing to start again."""
        _kill_with_workers(self._relay)
        gone_ns = time.monotonic_ns()
        silent_ns = self._live.wait_until_none_flows()
        time.sleep(absence_s)
        self._relay = self._command.start()
        ready_ns = time.monotonic_ns()
        self._live.wait_until_all_flow()
        self._live.assert_nothing_lost_since(time.monotonic_ns())
        account = self._live.account()
        up = account.up_heard.since(silent_ns).first_of_each_call()
        down = account.down_heard.since(silent_ns).first_of_each_call()
        back_ns = min(ready_ns, *up.values())
        return Healing(
            (back_ns - gone_ns) / MILLISECOND_NS,
            (max(up.values()) - back_ns) / MILLISECOND_NS,
            (max(down.values()) - back_ns) / MILLISECOND_NS,
            checks_forwarded(self._relay),
        )


@dataclass(frozen=True, slots=True)
class WorkerKilled:
    """One of two workers was killed, and started again."""

    account: Account
    killed_ns: int
    moved: set[int]
    """The calls that were served by it."""
    checks: int
    """Of clients, but for those with which their calls began."""


def planned_restarts(
    cluster: Cluster, calls: int, restarts: int, *flags: str
) -> tuple[Account, int]:
    """A relay hands over to the next one, so many times. Also gives the checks that the last
    one had of clients."""
    with tempfile.TemporaryDirectory() as directory:
        handover = f"--handover={Path(directory) / 'handover'}"
        with relay_command(cluster, *flags, handover) as command:
            relay = command.start()
            with live_calls(cluster, relay, calls) as live:
                for _ in range(restarts):
                    before, relay = relay, command.start()
                    assert before.process.wait(GONE_WITHIN_S) == 0
                    live.wait_until_all_flow()
                return live.end(), checks_forwarded(relay)


def worker_killed(cluster: Cluster, calls: int, *flags: str) -> WorkerKilled:
    with relay_command(cluster, *flags, "--workers=2") as command:
        relay = command.start()
        with live_calls(cluster, relay, calls) as live:
            checks = checks_forwarded(relay)
            victim = relay.workers()[0]
            tunnel = _tunnel_of(victim, relay.tunnels)
            moved = {call for call, through in enumerate(live.owner.relays()) if through == tunnel}
            victim.kill()
            killed_ns = time.monotonic_ns()
            live.wait_until_all_flow()
            assert set(live.owner.relays()) == set(relay.tunnels) - {tunnel}
            wait_until(lambda: relay.metric("worker_restarts_total") == 1, "the restart is counted")
            wait_until(lambda: set(live.owner.relays()) == set(relay.tunnels), "both serve again")
            live.wait_until_all_flow()
            return WorkerKilled(live.end(), killed_ns, moved, checks_forwarded(relay) - checks)


def clients_moved(cluster: Cluster, calls: int, *flags: str) -> tuple[Account, set[str]]:
    """Every client speaks from a new address. Also gives the reasons of the relay's drops."""
    with relay_command(cluster, *flags) as command:
        relay = command.start()
        with live_calls(cluster, relay, calls) as live:
            for call in range(calls):
                live.callers.move(call)
            moved: list[Address | None] = [live.callers.address(call) for call in range(calls)]
            wait_until(lambda: live.owner.selected() == moved, "the owner follows every client")
            live.wait_until_all_flow()
            return live.end(), set(relay.drops())


def checks_forwarded(relay: RelayProcess) -> int:
    """Clients' STUN, with their answers to the owner's checks."""
    return int(relay.metric("forwarded_packets_total", direction="to_owner", kind="stun"))


def _kill_with_workers(relay: RelayProcess) -> None:
    workers = relay.descendants()
    relay.process.kill()
    relay.process.wait()
    _gone, alive = psutil.wait_procs(workers, timeout=GONE_WITHIN_S)
    assert not alive


def _tunnel_of(worker: psutil.Process, tunnels: list[Address]) -> Address:
    [tunnel] = {tuple(each.laddr) for each in worker.net_connections("udp")} & set(tunnels)
    return tunnel
