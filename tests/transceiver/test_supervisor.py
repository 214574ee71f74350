"""The transceiver's processes, without a replica and without a relay."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from tests.transceiver.strange_relay import StrangeRelay

FIRST, SECOND = (f"{i} ipv4 {str(i) * 64}\n" for i in (1, 2))
PATIENCE_S = 30.0


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class Transceiver:
    def __init__(self, directory: Path, keys: str) -> None:
        self.keys = directory / "keys"
        self.keys.write_text(keys)
        api_keys = directory / "api-keys"
        api_keys.write_text("sk-test\n")
        self.tunnel = ("127.0.0.1", free_port())
        self._log = directory / "log"
        settings = {
            "http": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "tunnel": f"127.0.0.1:{self.tunnel[1]}",
            "advertise": "203.0.113.1:3478",
            "inference": "127.0.0.1:1",
            "cluster-keys": str(self.keys),
            "api-keys": str(api_keys),
        }
        flags = [text for name, value in settings.items() for text in (f"--{name}", value)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "transceiver", *flags],
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def greets(self, relay: StrangeRelay) -> None:
        """Returns once the transceiver has greeted this relay."""
        deadline = time.monotonic() + PATIENCE_S
        while not relay.was_greeted_by(self.tunnel):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def transceiver(tmp_path: Path) -> Iterator[Transceiver]:
    transceiver = Transceiver(tmp_path, FIRST)
    yield transceiver
    transceiver.process.terminate()
    transceiver.process.wait(PATIENCE_S)


def relay(keys: str) -> StrangeRelay:
    return StrangeRelay(ClusterKeys.parse(keys))


@pytest.mark.parametrize("asked", [True, False], ids=["at once", "by itself"])
def test_a_rotated_key_file_comes_into_use_without_a_restart(
    transceiver: Transceiver, *, asked: bool
) -> None:
    transceiver.greets(relay(FIRST))
    transceiver.keys.write_text(SECOND + FIRST)
    if asked:
        transceiver.process.send_signal(signal.SIGHUP)
    transceiver.greets(relay(SECOND))


def test_a_key_file_that_cannot_be_used_is_said_once_and_changes_nothing(
    transceiver: Transceiver,
) -> None:
    transceiver.greets(relay(FIRST))
    transceiver.keys.write_text("3 ipv6 " + "ab" * 32)
    deadline = time.monotonic() + PATIENCE_S
    while "no ipv4 line" not in transceiver.log():
        transceiver.process.send_signal(signal.SIGHUP)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    transceiver.greets(relay(FIRST))
    assert transceiver.log().count("no ipv4 line") == 1
    assert "abab" not in transceiver.log()


def test_a_key_file_that_mints_no_ufrags_for_the_tunnels_address_is_refused(
    tmp_path: Path,
) -> None:
    transceiver = Transceiver(tmp_path, "3 ipv6 " + "ab" * 32)
    assert transceiver.process.wait(PATIENCE_S) == 2
    assert transceiver.log().startswith("transceiver: --cluster-keys")
