"""`antiphon doctor relay` against a relay as it is run."""

import threading
from collections.abc import Callable

import pytest

from antiphon import doctor
from chassis.host_port import HostPort
from tests.relay.announcing_owner import AnnouncingOwner
from tests.relay.conftest import RelayProcess
from tests.relay.test_relay_process import RTP, wait_until


def doctored(relay: RelayProcess, *argv: str) -> int:
    return doctor.run(["relay", f"--admin={HostPort(*relay.admin)}", *argv], {})


def while_repeated(action: Callable[[], object], question: Callable[[], int]) -> int:
    """The answer to a question that is asked while something goes on."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(0.05):
            action()

    repeating = threading.Thread(target=repeat)
    repeating.start()
    try:
        return question()
    finally:
        over.set()
        repeating.join()


def test_explains_a_call(relay, cluster, client, capsys: pytest.CaptureFixture[str]) -> None:
    address = HostPort(*client.getsockname())
    with AnnouncingOwner(cluster, relay.tunnels) as owner:
        client.sendto(owner.check, relay.public)
        owner.hear()
        owner.bind(client.getsockname())
        wait_until(lambda: relay.metric("flows", state="bound") >= 2)
        code = while_repeated(
            lambda: client.sendto(RTP, relay.public),
            lambda: doctored(relay, f"--client={address}"),
        )
    told = capsys.readouterr().out
    assert code == 0, told
    assert f"ok    ready, takes clients on {HostPort(*relay.public)}" in told
    assert f"ok    owner {HostPort(*owner.address)}: 1 flows bound" in told
    assert " packets/s (rtp " in told
    for worker in range(2):
        assert f"client {address} at worker {worker}: bound to owner" in told


def test_explains_why_a_client_does_not_get_through(
    start_relay, stranger, client, capsys: pytest.CaptureFixture[str]
) -> None:
    relay = start_relay()
    forged = stranger.check(stranger.ufrag(("127.0.0.1", 40001)))
    code = while_repeated(
        lambda: client.sendto(forged, relay.public),
        lambda: doctored(relay, "--client=127.0.0.1"),
    )
    told = capsys.readouterr().out
    assert code == 1
    assert "note  dropped, ufrag_check: " in told
    assert "The ufrag does not decrypt to zero check bytes" in told
    assert "FAIL  clients' checks are refused, and no call goes through" in told
    assert "FAIL  client 127.0.0.1: no flow." in told
