"""`antiphon keys rotate` on a relay and a transceiver of two workers, with calls that go on.

Each turn of the command is a process of its own, which knows nothing of the one before.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from antiphon.key_file_text import KeyAge, KeyFileText
from antiphon.realtime_call import RealtimeCall
from antiphon.runtime_directory import new_cluster_keys
from antiphon_proto.ufrag import config_id
from tests.e2e.running_deployment import RunningDeployment, scraped
from tests.e2e.test_drain import answers
from tests.e2e.tier_process import TierProcess, Transceiver

PATIENCE_S = 60.0


class RotatedCluster:
    """A relay and a transceiver that share a key file, beside a deployment's inference."""

    def __init__(self, deployment: RunningDeployment, key_path: Path) -> None:
        self.key_path = key_path
        keys = f"--cluster-keys={key_path}"
        self.relay = TierProcess(deployment, "relay", ("--public", "--tunnel", "--admin"), keys)
        advertise = f"--advertise={self.relay.report['public']}"
        self.transceiver = Transceiver(deployment, "--workers=2", keys, advertise)

    @property
    def file(self) -> KeyFileText:
        return KeyFileText.parse(self.key_path.read_text())

    def rotate(self, *argv: str) -> str:
        """What one turn says, once the processes were told to look at the file."""
        for tier in (self.relay, self.transceiver):
            tier.process.send_signal(signal.SIGHUP)
        done = subprocess.run(self._command(*argv), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rotate_until(self, what: str) -> None:
        """Raises AssertionError when no turn says so."""
        deadline = time.monotonic() + PATIENCE_S
        while what not in (said := self.rotate("--resume")):
            assert time.monotonic() < deadline, said

    def begin_and_kill(self) -> None:
        """A turn that would have stayed to the end is killed where it waits."""
        command = self._command("--wait")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rotating:
            assert rotating.stdout is not None
            assert "added keys" in rotating.stdout.readline()
            rotating.kill()

    def _command(self, *argv: str) -> list[str]:
        admins = ",".join(self.transceiver.report["admins"])
        return [
            *(sys.executable, "-m", "antiphon", "keys", "rotate", "--settle-seconds=0"),
            f"--cluster-keys={self.key_path}",
            f"--relay-admins={self.relay.report['admin']}",
            f"--transceiver-admins={admins}",
            *argv,
        ]

    def refused_checks(self) -> float:
        """Clients' checks that the relay dropped for their ufrag or its password."""
        samples = scraped(f"http://{self.relay.report['admin']}/metrics")
        return sum(count for name, count in samples.items() if re.search("ufrag|integrity", name))

    def let_hours_pass(self) -> None:
        """As far as the file tells."""
        then = datetime.now(UTC) - timedelta(hours=3)
        text = re.sub(r"since \S+", f"since {then:%Y-%m-%dT%H:%M:%SZ}", self.key_path.read_text())
        beside = self.key_path.with_suffix(".new")
        beside.write_text(text)
        beside.rename(self.key_path)

    def end(self) -> None:
        self.relay.end()
        self.transceiver.end()


@pytest.fixture
def cluster(deployment: RunningDeployment, tmp_path: Path) -> Iterator[RotatedCluster]:
    path = tmp_path / "cluster.keys"
    path.write_text(new_cluster_keys())
    cluster = RotatedCluster(deployment, path)
    yield cluster
    cluster.end()


def minted_by(call: RealtimeCall) -> int:
    """The config id of the key that the call's ufrag was made with."""
    [ufrag] = set(re.findall(r"^a=ice-ufrag:(\S+)", call.answer, re.MULTILINE))
    return config_id(ufrag.encode())


async def test_calls_go_on_while_every_key_is_replaced(cluster: RotatedCluster) -> None:
    async with RealtimeCall() as second:
        async with RealtimeCall() as first:
            await cluster.transceiver.place(first)
            assert minted_by(first) == 0
            cluster.begin_and_kill()
            assert [line.config.id for line in cluster.file.aged(KeyAge.NEW)] == [3, 4, 5]
            cluster.rotate_until("next: remove, at")
            assert [line.config.id for line in cluster.file.aged(KeyAge.OLD)] == [0, 1, 2]
            await cluster.transceiver.place(second)
            assert minted_by(second) == 3
            await answers(first)
            await answers(second)
            assert "has config id 0, 1, 2, 3, 4, 5" in cluster.rotate("--status")
        cluster.let_hours_pass()
        assert "would remove: config id 0, 1, 2" in cluster.rotate("--resume", "--dry-run")
        cluster.rotate_until("removed: config id 0, 1, 2")
        cluster.rotate_until("no rotation is under way\n")
        await answers(second)
    assert [line.config.id for line in cluster.file.lines] == [3, 4, 5]
    assert cluster.refused_checks() == 0
