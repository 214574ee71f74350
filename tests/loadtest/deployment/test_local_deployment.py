"""A relay as a child process: broken in every way, and gone with whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from loadtest.deployment.deployment import DeploymentError
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.scenario.scenario import Fault, FaultAction

pytestmark = pytest.mark.e2e

# Its slow path starts faster.
RELAY_ALONE = LocalSettings(transceiver_workers=0, flags={"relay": ("--fast-path=off",)})


@pytest.fixture
async def deployment() -> AsyncIterator[LocalDeployment]:
    deployment = LocalDeployment(RELAY_ALONE)
    try:
        await deployment.start()
        yield deployment
    finally:
        await deployment.stop()


def fault(action: FaultAction, tier: str = "relay", seconds: float = 0.0) -> Fault:
    return Fault(at_seconds=0, action=action, tier=tier, seconds=seconds)


def udp_ports(pid: int) -> set[int]:
    """That its whole tree has bound."""
    tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return {each.laddr.port for process in tree for each in process.net_connections("udp")}


async def test_a_restarted_relay_is_another_process_on_the_same_ports(
    deployment: LocalDeployment,
) -> None:
    [before] = deployment.pids("relay")
    ports = udp_ports(before)
    said = await deployment.carry_out(fault(FaultAction.RESTART))
    [after] = deployment.pids("relay")
    assert said == "killed, and started again"
    assert after != before
    assert ports
    assert udp_ports(after) == ports


async def test_a_relay_hands_over_to_another_process(deployment: LocalDeployment) -> None:
    [before] = deployment.pids("relay")
    await deployment.carry_out(fault(FaultAction.HAND_OVER))
    [after] = deployment.pids("relay")
    assert after != before
    assert not psutil.pid_exists(before)


async def test_a_killed_worker_is_another_one_soon(deployment: LocalDeployment) -> None:
    [relay] = deployment.pids("relay")
    assert await deployment.carry_out(fault(FaultAction.KILL)) != ""
    assert deployment.pids("relay") == [relay]


async def test_a_relay_that_ends_by_itself_is_started_again(deployment: LocalDeployment) -> None:
    [before] = deployment.pids("relay")
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(60):
        while deployment.pids("relay") == [before]:
            await asyncio.sleep(0.02)
    assert psutil.pid_exists(deployment.pids("relay")[0])


async def test_a_paused_relay_goes_on_also_where_the_run_is_cancelled(
    deployment: LocalDeployment,
) -> None:
    [relay] = deployment.pids("relay")
    pausing = asyncio.create_task(deployment.carry_out(fault(FaultAction.PAUSE, seconds=60)))
    async with asyncio.timeout(60):
        while psutil.Process(relay).status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.01)
    pausing.cancel()
    await asyncio.wait([pausing])
    assert psutil.Process(relay).status() != psutil.STATUS_STOPPED


async def test_what_a_tier_uses_is_told_by_its_name(deployment: LocalDeployment) -> None:
    use = deployment.use()
    assert set(use.memory) == {"relay"}
    assert use.memory["relay"] > 2**20
    assert use.cpu["relay"] >= 0


async def test_a_fault_of_a_tier_that_is_not_there_is_refused(deployment: LocalDeployment) -> None:
    with pytest.raises(DeploymentError, match="there is no tier 'inference' here"):
        await deployment.carry_out(fault(FaultAction.KILL, "inference"))


async def test_a_tier_that_cannot_start_says_why_and_nothing_is_left() -> None:
    before = psutil.Process().children()
    deployment = LocalDeployment(
        LocalSettings(transceiver_workers=0, flags={"relay": ("--max-flows=few",)})
    )
    with pytest.raises(DeploymentError, match=r"relay ended: .*--max-flows"):
        await deployment.start()
    await deployment.stop()
    assert [each for each in psutil.Process().children() if each not in before] == []


_START_AND_STAY = """
import asyncio
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings

async def main():
    deployment = LocalDeployment(LocalSettings(transceiver_workers=0))
    await deployment.start()
    print(deployment.pids("relay")[0], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_killed_harness_leaves_no_tier_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _START_AND_STAY], stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        relay = psutil.Process(int(harness.stdout.readline()))
        tree = [relay, *relay.children(recursive=True)]
        harness.kill()
    _gone, alive = psutil.wait_procs(tree, timeout=10)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
