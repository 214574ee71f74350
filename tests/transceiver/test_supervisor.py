"""The transceiver's processes, without a replica and without a relay."""

import datetime
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.development_certificate import development_certificate
from antiphon_proto.cluster_keys import ClusterKeys
from tests.free_ports import free_port
from tests.transceiver.strange_relay import StrangeRelay

pytestmark = pytest.mark.e2e

FIRST, SECOND = (f"{i} ipv4 {str(i) * 64}\n" for i in (1, 2))
PATIENCE_S = 30.0


class Transceiver:
    def __init__(self, directory: Path, keys: str, **more: str) -> None:
        """`more` are settings, by the names of their variables behind the prefix."""
        self.keys = directory / "keys"
        self.keys.write_text(keys)
        self.api_keys = directory / "api-keys"
        self.api_keys.write_text("sk-test\n")
        self.tunnel = ("127.0.0.1", free_port())
        self._log = directory / "log"
        settings = {
            "http": f"127.0.0.1:{free_port()}",
            "admin": "127.0.0.1:0",
            "tunnel": f"127.0.0.1:{self.tunnel[1]}",
            "advertise": "203.0.113.1:3478",
            "inference": "127.0.0.1:1",
            "cluster-keys": str(self.keys),
            "api-keys": str(self.api_keys),
        }
        self.http = settings["http"]
        variables = {f"ANTIPHON_{name.upper()}": value for name, value in more.items()}
        flags = [text for name, value in settings.items() for text in (f"--{name}", value)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "transceiver", *flags],
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
            )

    def greets(self, relay: StrangeRelay) -> None:
        """Returns once the transceiver has greeted this relay."""
        deadline = time.monotonic() + PATIENCE_S
        while not relay.was_greeted_by(self.tunnel):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def status(self, key: str, trusted: Path) -> int | None:
        """What a request with an API key is answered; None if that cannot be learned.

        `trusted` is the one certificate that is.
        """
        url = f"https://{self.http}/v1/models"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        context = ssl.create_default_context(cafile=str(trusted))
        try:
            with urllib.request.urlopen(request, context=context) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def transceiver(tmp_path: Path) -> Iterator[Transceiver]:
    transceiver = Transceiver(tmp_path, FIRST)
    yield transceiver
    transceiver.process.terminate()
    transceiver.process.wait(PATIENCE_S)


def eventually(condition: Callable[[], bool], transceiver: Transceiver) -> None:
    """Raises AssertionError with the log when it never comes true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert transceiver.process.poll() is None, transceiver.log()
        assert time.monotonic() < deadline, transceiver.log()
        time.sleep(0.05)


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


def test_api_keys_and_a_certificate_are_renewed_without_a_restart(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    first = development_certificate(tmp_path / "tls", [], now)
    old, new = tmp_path / "old.crt", first.certificate
    old.write_bytes(new.read_bytes())
    transceiver = Transceiver(
        tmp_path,
        FIRST,
        tls_certificate=str(new),
        tls_key=str(first.key),
        api_key="sk-beside requests-per-minute=1000",
    )
    eventually(lambda: transceiver.status("sk-test", old) == 200, transceiver)
    transceiver.api_keys.write_text("sk-next\n")
    transceiver.process.send_signal(signal.SIGHUP)
    eventually(lambda: transceiver.status("sk-next", old) == 200, transceiver)
    assert transceiver.status("sk-test", old) == 401
    assert transceiver.status("sk-beside", old) == 200
    first.key.unlink()
    development_certificate(tmp_path / "tls", [], now)
    transceiver.process.send_signal(signal.SIGHUP)
    eventually(lambda: transceiver.status("sk-next", new) == 200, transceiver)
    assert transceiver.status("sk-next", old) is None
    transceiver.process.terminate()
    transceiver.process.wait(PATIENCE_S)
    assert not [key for key in ("sk-test", "sk-next", "sk-beside") if key in transceiver.log()]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"api_key": "sk-1 hunter2"}, "--api-keys"),
        ({"tls_certificate": "/no.crt", "tls_key": "/no.key"}, "/no.crt or /no.key: No such file"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(
    tmp_path: Path, settings: dict[str, str], complaint: str
) -> None:
    transceiver = Transceiver(tmp_path, FIRST, **settings)
    assert transceiver.process.wait(PATIENCE_S) == 2
    assert complaint in transceiver.log()
    assert transceiver.log().count("\n") == 1
    assert "hunter2" not in transceiver.log()
