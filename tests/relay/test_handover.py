"""A relay that is replaced while calls go on through it."""

import asyncio
import contextlib
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from relay.handover import Predecessor, find_predecessor
from relay.handover_channel import VERSION, HandoverChannel, HandoverError, Offer, TakenOver
from tests.relay.conftest import PATIENCE_S, Cluster, RelayProcess
from tests.relay.steady_calls import SteadyCalls
from tests.relay.test_relay_process import refusal, wait_until

pytestmark = pytest.mark.e2e

CALLS = 200


@pytest.fixture
def meeting_place(tmp_path: Path) -> str:
    return str(tmp_path / "handover")


@pytest.fixture
def start_calls(cluster: Cluster) -> Iterator[Callable[..., SteadyCalls]]:
    with contextlib.ExitStack() as stack:

        def start(relay: RelayProcess) -> SteadyCalls:
            calls = SteadyCalls(cluster, relay.public, relay.tunnels, CALLS)
            stack.callback(calls.close)
            calls.open()
            workers = len(relay.tunnels)
            wait_until(lambda: relay.metric("flows", state="bound") == workers * CALLS)
            return calls

        yield start


def replace(
    start_relay: Callable[..., RelayProcess], calls: SteadyCalls, *flags: str
) -> RelayProcess:
    """Start a successor while the calls go on, some packets before and some after."""
    successors: list[RelayProcess] = []
    starting = threading.Thread(target=lambda: successors.append(start_relay(*flags)))

    def spoken(packets: int) -> Callable[[], bool]:
        enough = calls.sent + packets
        return lambda: calls.sent >= enough

    calls.speak_until(spoken(10 * CALLS))
    starting.start()
    calls.speak_until(lambda: not starting.is_alive())
    calls.speak_until(spoken(50 * CALLS))
    return successors[0]


@pytest.mark.parametrize(("before", "after"), [(2, 2), (1, 2)])
def test_no_packet_is_lost(start_relay, start_calls, meeting_place, before, after) -> None:
    predecessor = start_relay("--handover", meeting_place, "--workers", str(before))
    calls = start_calls(predecessor)

    successor = replace(start_relay, calls, "--handover", meeting_place, "--workers", str(after))

    assert calls.lost() == 0
    assert predecessor.process.wait(PATIENCE_S) == 0
    assert successor.public == predecessor.public
    assert successor.admin == predecessor.admin
    assert successor.tunnels[:before] == predecessor.tunnels
    assert successor.ready() is None
    wait_until(lambda: successor.metric("flows", state="bound") == after * CALLS)
    assert calls.came_by == set(successor.tunnels)


def test_a_successor_has_a_successor(start_relay, meeting_place) -> None:
    first = start_relay("--handover", meeting_place)
    second = start_relay("--handover", meeting_place)
    assert first.process.wait(PATIENCE_S) == 0
    third = start_relay("--handover", meeting_place)
    assert second.process.wait(PATIENCE_S) == 0

    assert third.public == first.public
    assert third.stop() == 0
    assert not Path(meeting_place).exists()


def test_one_that_waits_ends_when_it_is_told_to(start_relay, start_calls, tmp_path) -> None:
    """As Kubernetes replaces a pod on its host, by a socket of their network namespace."""
    flags = ("--handover", f"@antiphon-{secrets.token_hex(8)}", "--after-handover", "wait")
    old_ready, new_ready = tmp_path / "old", tmp_path / "new"
    new_ready.touch()  # what a container that was restarted finds
    predecessor = start_relay(*flags, "--ready-file", str(old_ready))
    calls = start_calls(predecessor)
    wait_until(old_ready.exists)

    successor = replace(start_relay, calls, *flags, "--ready-file", str(new_ready))

    assert calls.lost() == 0
    wait_until(new_ready.exists)
    wait_until(lambda: not predecessor.workers())
    assert predecessor.process.poll() is None
    assert old_ready.exists()
    assert predecessor.stop() == 0
    assert not old_ready.exists()
    assert successor.ready() is None


def test_fewer_workers_take_over_the_calls_of_more(start_relay, start_calls, meeting_place) -> None:
    predecessor = start_relay("--handover", meeting_place, "--workers", "2")
    calls = start_calls(predecessor)

    successor = start_relay("--handover", meeting_place)
    assert predecessor.process.wait(PATIENCE_S) == 0
    enough = 20 * CALLS
    calls.speak_until(lambda: calls.sent >= enough)

    assert calls.lost() == 0
    assert calls.came_by == set(successor.tunnels)


async def promised(path: str) -> Predecessor:
    predecessor = await find_predecessor(path)
    assert predecessor is not None
    return predecessor


def go_away(predecessor: Predecessor) -> None:
    """As the end of the process would."""
    predecessor.close()
    for publics in predecessor.publics:
        for each in publics:
            each.close()
    for each in (*predecessor.tunnels, predecessor.admin):
        each.close()


async def test_relays_on_when_the_successor_goes_away(
    start_relay, start_calls, meeting_place
) -> None:
    relay = start_relay("--handover", meeting_place, "--workers", "2")
    calls = start_calls(relay)
    spoken = iter((10 * CALLS, 20 * CALLS, 30 * CALLS))

    for asked_for_flows in (False, True):
        successor = await promised(meeting_place)
        if asked_for_flows:
            snapshot = await successor.remembered()
            assert len([*snapshot.table.each_flow()]) == CALLS
        go_away(successor)
        enough = next(spoken)
        calls.speak_until(lambda enough=enough: calls.sent >= enough)
        assert calls.lost() == 0

    assert relay.ready() is None
    replacement = start_relay("--handover", meeting_place, "--workers", "2")
    assert relay.process.wait(PATIENCE_S) == 0
    assert replacement.public == relay.public


async def test_two_successors_at_once_are_served_one_after_the_other(
    start_relay, meeting_place
) -> None:
    relay = start_relay("--handover", meeting_place)
    first = await promised(meeting_place)
    second = threading.Thread(target=start_relay, args=("--handover", meeting_place))
    second.start()

    go_away(first)

    assert relay.process.wait(PATIENCE_S) == 0
    second.join()


def test_a_killed_successor_changes_nothing(
    start_relay, start_calls, relay_command, meeting_place
) -> None:
    relay = start_relay("--handover", meeting_place)
    calls = start_calls(relay)
    enough = 20 * CALLS

    with subprocess.Popen(relay_command("--handover", meeting_place)) as successor:
        children = psutil.Process(successor.pid)
        calls.speak_until(lambda: bool(children.children()))
        successor.kill()
    calls.speak_until(lambda: calls.sent >= enough)

    assert calls.lost() == 0
    assert relay.ready() is None


def test_a_successor_that_wants_other_addresses_is_refused(
    start_relay, relay_command, meeting_place
) -> None:
    relay = start_relay("--handover", meeting_place)

    line = refusal(relay_command("--handover", meeting_place, "--public", "127.0.0.2:0"))

    host, port = relay.public
    assert line == f"relay: --public 127.0.0.2:0: the relay to replace has {host}:{port}"
    assert relay.ready() is None


def test_a_relay_that_hands_over_by_another_version_is_not_replaced(
    relay_command, meeting_place
) -> None:
    async def offer(listening: socket.socket) -> None:
        connection, _ = await asyncio.get_running_loop().sock_accept(listening)
        with contextlib.closing(HandoverChannel(connection)) as channel:
            await channel.send(Offer(VERSION - 1, 1, 1, [0]))

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(meeting_place)
        listening.listen()
        listening.setblocking(False)
        offering = threading.Thread(target=lambda: asyncio.run(offer(listening)))
        offering.start()
        line = refusal(relay_command("--handover", meeting_place))
        offering.join()

    reason = f"the relay to replace hands over by version {VERSION - 1}, not {VERSION}"
    assert line == f"relay: --handover {meeting_place}: {reason}"


@pytest.mark.parametrize("flag", ["--handover", "--ready-file"])
def test_a_path_that_cannot_be_used_is_named(relay_command, tmp_path, flag) -> None:
    for path, reason in ((tmp_path / "no" / "where", "No such file"), (tmp_path, "Is a directory")):
        line = refusal(relay_command(flag, str(path)))
        assert line.startswith(f"relay: {flag} {path}: ")
        assert reason in line


@pytest.fixture
def taken_over() -> Iterator[tuple[Predecessor, HandoverChannel]]:
    """A predecessor whose successor is reading, and what the predecessor itself says."""
    here, there = map(HandoverChannel, socket.socketpair())
    with contextlib.closing(here), contextlib.closing(there), socket.socket() as admin:
        yield Predecessor(here, [], [], [], admin), there


async def test_a_predecessor_that_dies_while_it_lets_go_leaves_its_successor(taken_over) -> None:
    predecessor, its_side = taken_over
    releasing = asyncio.create_task(predecessor.release())
    await its_side.expect(TakenOver)

    its_side.close()

    await releasing


async def test_a_predecessor_that_relays_on_is_not_replaced(taken_over) -> None:
    predecessor, its_side = taken_over

    await its_side.refuse("too late")
    its_side.close()

    with pytest.raises(HandoverError, match="too late"):
        await predecessor.release()


async def test_another_user_s_relay_is_not_trusted(start_relay, meeting_place, monkeypatch) -> None:
    start_relay("--handover", meeting_place)
    monkeypatch.setattr("os.geteuid", lambda: 12345)

    with pytest.raises(HandoverError, match="not of this user"):
        await find_predecessor(meeting_place)
