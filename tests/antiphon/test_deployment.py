import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon.child_process import StartError
from antiphon.deployment import Deployment, KeepsFailingError
from antiphon.runtime_directory import RuntimeDirectory
from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort
from tests.antiphon.conftest import WriteTier
from tests.antiphon.stand_in_tier import RUNS, TIER

PATIENCE_S = 20.0

# Blocked from before it is ready: a signal between a handler's last look and a pause is slept over.
ENDS_WHEN_ASKED = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
ready()
signal.sigwait([signal.SIGTERM])
"""


class Tiers:
    """Three stand-ins for the tiers that note with which flags they were started."""

    def __init__(self, directory: Path, write_tier: WriteTier) -> None:
        self._directory = directory
        self._write = write_tier
        for tier in ("relay", "inference", "transceiver"):
            self.environ = write_tier(tier, RUNS)

    def behave(self, tier: str, source: str) -> None:
        self._write(tier, TIER + source)

    def starts(self, tier: str) -> list[dict[str, str]]:
        path = self._directory / f"{tier}.starts"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    async def started(self, tier: str, times: int) -> dict[str, str]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.starts(tier)) < times:
                await asyncio.sleep(0.02)
        return self.starts(tier)[times - 1]


@pytest.fixture
def tiers(tmp_path: Path, write_tier: WriteTier) -> Tiers:
    return Tiers(tmp_path, write_tier)


@pytest.fixture
async def deployment(tiers: Tiers) -> AsyncIterator[Deployment]:
    settings = UpSettings(
        http=HostPort("127.0.0.1", 0), relay=HostPort("127.0.0.1", 0), llm_api_key=None
    )
    with RuntimeDirectory() as directory:
        deployment = Deployment(settings, "sk-1", directory, tiers.environ)
        yield deployment
        await deployment.stop()


async def test_the_transceiver_is_told_what_the_others_reported(
    tiers: Tiers, deployment: Deployment
) -> None:
    assert await deployment.start() == ("127.0.0.1", 1006)
    (transceiver,) = tiers.starts("transceiver")
    assert transceiver["advertise"] == "127.0.0.1:1003"
    assert transceiver["inference"] == "127.0.0.1:1005"
    assert Path(transceiver["api-keys"]).read_text() == "sk-1\n"
    assert transceiver["cluster-keys"] == tiers.starts("relay")[0]["cluster-keys"]


async def test_a_tier_that_cannot_start_is_heard(tiers: Tiers, deployment: Deployment) -> None:
    tiers.behave("inference", "sys.exit(print('inference: no model') or 2)")
    with pytest.raises(StartError, match=r"^inference: no model$"):
        await deployment.start()
    assert tiers.starts("transceiver") == []


async def test_a_report_without_addresses_is_no_start(tiers: Tiers, deployment: Deployment) -> None:
    tiers.behave("relay", "REPORTS = {'relay': {}}\nready()\nsignal.pause()")
    with pytest.raises(StartError, match="relay: ready report without 'public'"):
        await deployment.start()


async def test_a_tier_that_dies_comes_back_on_the_same_addresses(
    tiers: Tiers, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    await deployment.start()
    running = asyncio.create_task(deployment.keep_running())
    (first,) = tiers.starts("relay")
    assert first["public"] == "127.0.0.1:0"
    with caplog.at_level(logging.WARNING):
        os.kill(int(first["pid"]), signal.SIGKILL)
        second = await tiers.started("relay", times=2)
    assert second["public"] == "127.0.0.1:1003"
    assert second["tunnel"] == "127.0.0.1:1004"
    assert second["cluster-keys"] == first["cluster-keys"]
    assert caplog.messages == ["relay was killed by SIGKILL; starting it again"]
    assert len(tiers.starts("inference")) == len(tiers.starts("transceiver")) == 1
    running.cancel()
    await asyncio.wait([running])


async def test_a_tier_that_keeps_dying_is_given_up(
    tiers: Tiers, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.restart_policy.FIRST_BACKOFF_S", 0.001)
    tiers.behave("relay", "ready()")
    await deployment.start()
    with pytest.raises(KeepsFailingError, match="relay ended with exit code 0, too often"):
        await asyncio.wait_for(deployment.keep_running(), PATIENCE_S)
    assert len(tiers.starts("relay")) == 6


async def test_a_failed_new_start_counts_as_an_end(
    tiers: Tiers,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("antiphon.restart_policy.FIRST_BACKOFF_S", 0.001)
    await deployment.start()
    tiers.behave("relay", "sys.exit(print('relay: port in use') or 2)")
    os.kill(int(tiers.starts("relay")[0]["pid"]), signal.SIGKILL)
    with pytest.raises(KeepsFailingError):
        await asyncio.wait_for(deployment.keep_running(), PATIENCE_S)
    assert "relay: port in use" in caplog.messages


async def test_tiers_are_asked_to_end(tiers: Tiers, deployment: Deployment) -> None:
    tiers.behave("inference", ENDS_WHEN_ASKED + 'tier.with_suffix(".ended").touch()')
    await deployment.start()
    await deployment.stop(grace_s=PATIENCE_S)
    directory = Path(tiers.environ["PYTHONPATH"])
    assert (directory / "inference.ended").exists()


async def test_the_transceiver_ends_before_what_it_uses(
    tiers: Tiers, deployment: Deployment
) -> None:
    looks = """
inference = json.loads(tier.with_name("inference.starts").read_text())["pid"]
__import__("time").sleep(0.3)
os.kill(inference, 0)
tier.with_suffix(".ended").touch()
"""
    tiers.behave("transceiver", ENDS_WHEN_ASKED + looks)
    await deployment.start()
    await deployment.stop(grace_s=PATIENCE_S)
    assert (Path(tiers.environ["PYTHONPATH"]) / "transceiver.ended").exists()
