"""A relay restarts, crashes or loses a worker while 200 calls speak; clients send media alone.

What is counted is every packet of both directions, by its number.
"""

import pytest

from tests.e2e.packet_log import MILLISECOND_NS, PacketLog
from tests.e2e.relay_healing import (
    Killed,
    clients_moved,
    planned_restarts,
    worker_killed,
)
from tests.e2e.relay_traffic import Account, live_calls, relay_command
from tests.relay.conftest import Cluster
from transceiver.relay_directory import PATIENCE_S

pytestmark = pytest.mark.alone

CALLS = 200
HEALED_WITHIN_MS = 100.0
ATTEMPTS = 3
"""The machine is shared: one in so many attempts has to show what the protocol takes."""

LONG_S = PATIENCE_S + 1
"""Owners probe a relay that was away for so long slowly."""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(params=["on", "off"], ids=["fast", "plain"])
def fast_path(request: pytest.FixtureRequest) -> str:
    return f"--fast-path={request.param}"


def assert_nothing_lost(account: Account) -> None:
    assert len(account.up_lost) == len(account.down_lost) == account.duplicates == 0, str(account)


@pytest.mark.parametrize(
    ("fast_path", "absence_s"),
    [("on", 0.0), ("on", LONG_S), ("off", 0.0)],
    ids=["fast", "fast-long", "plain"],
)
def test_every_flow_returns_with_a_relay_that_was_killed(
    cluster: Cluster, fast_path: str, absence_s: float
) -> None:
    with relay_command(cluster, f"--fast-path={fast_path}") as command:
        relay = command.start()
        with live_calls(cluster, relay, CALLS) as live:
            killed, attempts = Killed(live, relay, command), []
            for _ in range(ATTEMPTS):
                healing = killed.again(absence_s)
                print(f"relay killed: {healing}")
                assert healing.checks == 0
                attempts.append(max(healing.up_ms, healing.down_ms))
                if attempts[-1] <= HEALED_WITHIN_MS:
                    break
            assert live.end().duplicates == live.callers.misdelivered == 0
    assert min(attempts) <= HEALED_WITHIN_MS, attempts


def test_a_planned_restart_loses_nothing(cluster: Cluster, fast_path: str) -> None:
    account, checks = planned_restarts(cluster, CALLS, 2, fast_path, "--workers=2")
    print(f"two planned restarts: {account}")
    assert_nothing_lost(account)
    assert checks == 0


def assert_one_gap_each(said: PacketLog, heard: PacketLog, since_ns: int) -> None:
    """Each call lost nothing after the first of its packets said since then that arrived."""
    said = said.since(since_ns)
    lost = said.missing_from(heard)
    resumed = said.missing_from(lost).first_of_each_call()
    for call, at_ns in lost.last_of_each_call().items():
        assert at_ns < resumed[call], f"call {call} lost packets again"


def test_a_killed_workers_flows_move_to_its_sibling(cluster: Cluster, fast_path: str) -> None:
    killed = worker_killed(cluster, CALLS, fast_path)
    account = killed.account
    print(f"worker killed: {len(killed.moved)} of {CALLS} calls move; {account}")
    assert 0 < len(killed.moved) < CALLS
    assert killed.checks == account.duplicates == 0
    others = set(range(CALLS)) - killed.moved
    assert not len(account.up_lost.of(others))
    assert not len(account.down_lost.of(others))
    # What was said in its last moment may be lost with what it had received.
    last_moment_ns = killed.killed_ns - 10 * MILLISECOND_NS
    assert_one_gap_each(account.up_said, account.up_heard, last_moment_ns)
    assert_one_gap_each(account.down_said, account.down_heard, last_moment_ns)


def test_media_from_new_addresses_reaches_its_owner_at_once(
    cluster: Cluster, fast_path: str
) -> None:
    account, drops = clients_moved(cluster, CALLS, fast_path)
    print(f"{CALLS} clients moved: {account}")
    assert_nothing_lost(account)
    # On this network, without delays, the answer to a check may be there before the binding.
    assert drops <= {"no_flow"}
