"""Keys change while the relay runs."""

import select
import signal
import socket
from pathlib import Path

import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.ufrag import UfragReader
from tests.relay.conftest import Cluster, OwnerPeer, RelayProcess
from tests.relay.test_relay_process import wait_until

OLD_LINE = f"0 ipv4 {bytes(range(32)).hex()}\n"
NEW_LINE = f"3 ipv4 {bytes(range(32, 64)).hex()}\n"


class RotatingCluster(Cluster):
    """A transceiver that has both keys, and mints with the first."""

    def __init__(self, key_text: str) -> None:
        self.keys = ClusterKeys.parse(key_text)
        self._passwords = UfragReader(self.keys)


OLD = RotatingCluster(OLD_LINE + NEW_LINE)
NEW = RotatingCluster(NEW_LINE + OLD_LINE)


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    write(path, OLD_LINE)
    return path


def write(path: Path, text: str) -> None:
    """In one step, as a mounted secret changes."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def is_routable(cluster: Cluster, relay: RelayProcess) -> bool:
    """Whether a new call gets through, or is dropped because its key is unknown."""
    owner = OwnerPeer(cluster)
    dropped = unknown_keys(relay)
    with owner.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        owner.socket.setblocking(False)
        client.sendto(owner.check, relay.public)
        wait_until(lambda: has_arrived(owner) or unknown_keys(relay) > dropped)
        return has_arrived(owner)


def unknown_keys(relay: RelayProcess) -> float:
    return relay.drops().get("ufrag_unknown_config", 0)


def has_arrived(owner: OwnerPeer) -> bool:
    return bool(select.select([owner.socket], (), (), 0)[0])


def test_a_key_is_rotated_without_a_restart(start_relay, key_path) -> None:
    relay = start_relay("--workers", "2", "--cluster-keys", str(key_path))
    workers = {worker.pid for worker in relay.workers()}
    assert is_routable(OLD, relay)
    assert not is_routable(NEW, relay)

    write(key_path, OLD_LINE + NEW_LINE)
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: is_routable(NEW, relay))
    assert is_routable(OLD, relay)

    write(key_path, "3 ipv4 not-a-key\n")
    relay.process.send_signal(signal.SIGHUP)
    for _ in range(5):
        assert is_routable(OLD, relay)

    write(key_path, NEW_LINE)
    wait_until(lambda: not is_routable(OLD, relay))
    assert is_routable(NEW, relay)
    assert {worker.pid for worker in relay.workers()} == workers


def test_a_worker_that_is_restarted_has_the_keys_of_its_time(start_relay, key_path) -> None:
    relay = start_relay("--cluster-keys", str(key_path))
    write(key_path, NEW_LINE)
    wait_until(lambda: is_routable(NEW, relay))

    write(key_path, "lost\n")
    relay.workers()[0].kill()
    wait_until(lambda: relay.metric("worker_restarts_total") == 1)

    wait_until(lambda: is_routable(NEW, relay))
