"""SIGTERM to a relay that carries calls."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.relay.announcing_owner import AnnouncingOwner
from tests.relay.conftest import PATIENCE_S, Cluster, RelayProcess
from tests.relay.test_relay_process import RTP, wait_until

pytestmark = pytest.mark.e2e


@dataclass
class CarryingRelay:
    """A relay with two workers and one call, that its owner bound at both."""

    relay: RelayProcess
    owner: AnnouncingOwner
    client: socket.socket

    def carries(self) -> None:
        self.client.sendto(RTP, self.relay.public)
        frame, relay_worker = self.owner.hear()
        assert (frame.client, frame.payload) == (self.client.getsockname(), RTP)
        self.owner.send(RTP[::-1], frame.client, relay_worker)
        assert self.client.recv(2048) == RTP[::-1]

    def exit_code(self) -> int:
        return self.relay.process.wait(PATIENCE_S)


def refuses(relay: RelayProcess) -> bool:
    """Whether both of its workers were told to: it says itself that it drains before."""
    workers = json.loads(relay.fetch("/debug/relay"))["workers"]
    return len(workers) == 2 and all(worker["draining"] for worker in workers)


@pytest.fixture
def start_carrying(
    start_relay: Callable[..., RelayProcess], cluster: Cluster, client: socket.socket
) -> Iterator[Callable[..., CarryingRelay]]:
    owners: list[AnnouncingOwner] = []

    def start(*flags: str) -> CarryingRelay:
        relay = start_relay("--workers", "2", *flags)
        owner = AnnouncingOwner(cluster, relay.tunnels).__enter__()
        owners.append(owner)
        owner.bind(client.getsockname())
        wait_until(lambda: relay.metric("flows", state="bound") == 2)
        return CarryingRelay(relay, owner, client)

    yield start
    for owner in owners:
        owner.__exit__()


def test_carries_what_is_there_refuses_what_is_new_and_ends_with_the_last_call(
    start_carrying, new_client
) -> None:
    carrying = start_carrying("--drain-seconds", "1000")
    relay, owner = carrying.relay, carrying.owner

    relay.process.send_signal(signal.SIGTERM)

    wait_until(lambda: relay.ready() == "draining")
    carrying.carries()
    wait_until(lambda: refuses(relay))
    new_client().sendto(owner.check, relay.public)
    wait_until(lambda: relay.drops().get("draining") == 1)
    carrying.carries()
    owner.unbind(carrying.client.getsockname())
    assert carrying.exit_code() == 0


def test_ends_when_nobody_speaks_any_more(start_carrying) -> None:
    carrying = start_carrying("--drain-seconds", "1000")

    carrying.relay.process.send_signal(signal.SIGTERM)

    assert carrying.exit_code() == 0


def test_ends_after_its_time(start_carrying) -> None:
    carrying = start_carrying("--drain-seconds", "1")

    carrying.relay.process.send_signal(signal.SIGTERM)

    while carrying.relay.process.poll() is None:
        carrying.client.sendto(RTP, carrying.relay.public)
    assert carrying.exit_code() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start_carrying, second) -> None:
    carrying = start_carrying("--drain-seconds", "1000")
    carrying.relay.process.send_signal(signal.SIGTERM)
    wait_until(lambda: carrying.relay.ready() == "draining")
    carrying.carries()

    carrying.relay.process.send_signal(second)

    while carrying.relay.process.poll() is None:
        carrying.client.sendto(RTP, carrying.relay.public)
    assert carrying.exit_code() == 0


@pytest.mark.parametrize(
    ("number", "flags"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--drain-seconds", "0"))]
)
def test_ends_at_once_where_no_drain_is_wanted(start_carrying, number, flags) -> None:
    carrying = start_carrying(*flags)

    carrying.relay.process.send_signal(number)

    while carrying.relay.process.poll() is None:
        carrying.client.sendto(RTP, carrying.relay.public)
    assert carrying.exit_code() == 0


def test_a_worker_that_is_killed_meanwhile_drains_too(start_carrying, new_client) -> None:
    carrying = start_carrying("--drain-seconds", "1000")
    relay = carrying.relay
    relay.process.send_signal(signal.SIGTERM)
    wait_until(lambda: relay.ready() == "draining")

    for worker in relay.workers():
        worker.kill()

    carrying.carries()
    new_client().sendto(carrying.owner.check, relay.public)
    wait_until(lambda: relay.drops().get("draining") == 1)
    assert relay.ready() == "draining"


def test_a_worker_that_answers_nobody_does_not_delay_the_deadline(start_carrying) -> None:
    relay = start_carrying("--drain-seconds", "1").relay
    relay.workers()[0].suspend()

    assert relay.stop() == 0
