"""When faults come about, and what is told of them."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import DeploymentError, TierUse
from loadtest.faults.schedule import carry_out_faults, impossible
from loadtest.result import FaultRecord
from loadtest.scenario.scenario import Fault, FaultAction


class Broken:
    """A deployment that is told what to do, and does not always do it."""

    target = Target()

    def __init__(self) -> None:
        self.told: list[Fault] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def carry_out(self, fault: Fault) -> str:
        self.told.append(fault)
        if fault.tier == "inference":
            raise DeploymentError("there is no tier 'inference' here")
        return "done"

    def use(self) -> TierUse:
        return TierUse()


def restart(at: float, tier: str = "relay") -> Fault:
    return Fault(at_seconds=at, action=FaultAction.RESTART, tier=tier)


def command(*words: str) -> Fault:
    return Fault(at_seconds=0, action=FaultAction.COMMAND, command=words)


async def carried_out(*faults: Fault, deployment: Broken | None = None) -> list[FaultRecord]:
    loop = asyncio.get_running_loop()
    started = loop.time()
    records: list[FaultRecord] = []
    await carry_out_faults(faults, deployment, lambda: loop.time() - started, records.append)
    return records


async def test_faults_come_in_the_order_of_their_times() -> None:
    deployment = Broken()
    later, sooner = restart(0.05), restart(0.0)
    records = await carried_out(later, sooner, deployment=deployment)
    assert deployment.told == [sooner, later]
    assert [record.detail for record in records] == ["done", "done"]
    assert records[1].second >= 0.05


async def test_a_fault_that_cannot_be_done_says_so() -> None:
    [record] = await carried_out(restart(0.0, "inference"), deployment=Broken())
    assert record.detail == "not done: there is no tier 'inference' here"
    assert not record.done


async def test_a_command_is_run_as_it_is() -> None:
    [record] = await carried_out(command(sys.executable, "-c", "print('$HOME'); print('gone')"))
    assert (record.action, record.detail) == ("command", "gone")


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (("/no/such/command",), "not done: /no/such/command: No such file or directory"),
        (("false",), "not done: false ended with 1: "),
    ],
)
async def test_a_command_that_fails_says_so(words: tuple[str, ...], detail: str) -> None:
    [record] = await carried_out(command(*words))
    assert (record.detail, record.done) == (detail, False)


async def test_a_command_ends_with_the_run(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    faults = asyncio.create_task(
        carried_out(command("sh", "-c", f"echo here; exec sleep 60 >{fifo}"))
    )
    with await asyncio.to_thread(fifo.open) as open_while_it_runs:
        faults.cancel()
        with pytest.raises(asyncio.CancelledError):
            await faults
        assert await asyncio.to_thread(open_while_it_runs.read) == ""


def test_only_a_deployment_of_the_harness_can_be_broken() -> None:
    assert impossible([restart(1.0)], Broken()) is None
    assert impossible([command("true")], None) is None
    said = impossible([command("true"), restart(1.0)], None)
    assert said is not None
    assert said.startswith("faults[1].action: ")
