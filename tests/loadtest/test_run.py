"""Whole runs, with worker processes whose calls are scripted."""

import asyncio
from pathlib import Path

import pytest

from loadtest.callers.fleet import Target
from loadtest.coordinator import coordinator
from loadtest.deployment.deployment import TierUse
from loadtest.glimpse import Glimpse
from loadtest.run import RunError, run
from loadtest.scenario.scenario import Fault, FaultAction
from tests.loadtest import scripted_worker
from tests.loadtest.small_run import COMMAND, ROOT, Shown, scenario


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


class StillDeployment:
    """A `Deployment` that only notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[Fault] = []

    @property
    def target(self) -> Target:
        return Target()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def carry_out(self, fault: Fault) -> str:
        self.done.append(fault)
        return "it did not mind"

    def use(self) -> TierUse:
        return TierUse(cpu={"relay": 0.25}, memory={"relay": 1 << 20})


async def test_every_call_of_every_worker_is_in_the_result() -> None:
    shown = Shown()
    result = await run(
        scenario(levels={"calls_failed": 0.0}),
        Target(),
        workers=2,
        label="nobody",
        display=shown,
        worker_command=COMMAND,
    )
    assert result.totals == {"calls_started": 8, "calls_set_up": 8, "calls_ended": 8}
    assert result.peak_sessions == 8
    assert result.latencies["arrival_lateness"].count == result.latencies["set_up"].count == 8
    assert (result.workers, result.label, result.passed) == (2, "nobody", True)
    assert [second.second for second in result.series] == list(range(len(result.series)))
    assert all(second.workers_cpu > 0 for second in result.series[:2])
    assert shown.glimpses[0].workers == 2


async def test_a_call_that_fails_breaks_its_service_level() -> None:
    target = Target(model=scripted_worker.REFUSED)
    levels = {"calls_failed": 0.0}
    result = await run(scenario(levels=levels), target, worker_command=COMMAND)
    assert (result.totals["calls_failed"], result.passed) == (1, False)
    assert [(each.reason, each.examples) for each in result.failures] == [
        ("refused", ["call 3: 503"])
    ]


async def test_a_defect_of_a_caller_is_a_failed_call() -> None:
    target = Target(model=scripted_worker.DEFECTIVE)
    result = await run(scenario(), target, worker_command=COMMAND)
    assert [each.reason for each in result.failures] == ["caller_defect"]
    assert "of our own making" in result.failures[0].examples[0]
    assert result.totals["calls_ended"] == 7


@pytest.mark.parametrize(("way", "begun"), [(scripted_worker.KILLED, 2), (scripted_worker.HUNG, 4)])
async def test_the_calls_of_a_worker_that_is_lost_fail(
    monkeypatch: pytest.MonkeyPatch, way: str, begun: int
) -> None:
    """One that hangs is missed later, when more of its calls had begun by plan."""
    monkeypatch.setattr(coordinator, "SILENCE_S", 1.5)
    result = await run(scenario(seconds=3.0), Target(model=way), workers=2, worker_command=COMMAND)
    lost = [note for note in result.notes if "was lost" in note]
    assert len(lost) == 1
    assert lost[0].startswith("worker 1 on ")
    assert (result.totals["calls_started"], result.totals["calls_ended"]) == (4 + begun, 4)
    assert [(each.reason, each.count) for each in result.failures] == [("worker_lost", begun)]
    assert {second.sessions for second in result.series[-1:]} == {0}


async def test_the_run_ends_at_a_word_with_what_was_measured() -> None:
    stop = asyncio.Event()

    class Stopping(Shown):
        def glimpse(self, glimpse: Glimpse) -> None:
            stop.set()

    result = await run(
        scenario(seconds=600.0),
        Target(),
        display=Stopping(),
        stop=stop,
        worker_command=COMMAND,
    )
    assert result.totals["calls_ended"] == 8
    assert any("8 calls were hung up before their time" in note for note in result.notes)
    assert any(note.startswith("The run was stopped") for note in result.notes)


async def test_nothing_is_measured_where_nothing_could_work() -> None:
    with pytest.raises(RunError, match="nobody is at home"):
        await run(
            scenario(), Target(model=scripted_worker.UNCALLABLE), workers=2, worker_command=COMMAND
        )


async def test_a_worker_has_what_vouches_for_the_target(tmp_path: Path) -> None:
    """It is somewhere else, perhaps, where the file is not."""
    (tmp_path / "authority.pem").write_text("vouched for by this")
    authority = str(tmp_path / "authority.pem")
    target = Target(model=scripted_worker.VOUCHED, certificate_authority=authority)
    with pytest.raises(RunError, match="vouched for by this"):
        await run(scenario(), target, worker_command=COMMAND)


async def test_a_worker_that_cannot_begin_ends_the_run() -> None:
    with pytest.raises(RunError, match=r"worker 0 ended with 1: .*--no-such-flag"):
        await run(scenario(), Target(), worker_command=(*COMMAND, "--no-such-flag"))


async def test_faults_that_cannot_be_are_refused_before_anything_starts() -> None:
    faults = [Fault(at_seconds=1.0, action=FaultAction.KILL, tier="relay")]
    with pytest.raises(RunError, match=r"faults\[0\]"):
        await run(scenario(faults=faults), Target(), worker_command=COMMAND)


async def test_faults_and_what_the_tiers_use_are_in_the_result() -> None:
    faults = [Fault(at_seconds=1.0, action=FaultAction.KILL, tier="relay")]
    deployment, shown = StillDeployment(), Shown()
    result = await run(
        scenario(faults=faults),
        Target(),
        deployment=deployment,
        display=shown,
        worker_command=COMMAND,
    )
    assert deployment.done == faults
    assert [(each.action, each.tier, each.detail) for each in result.faults] == [
        ("kill", "relay", "it did not mind")
    ]
    assert result.series[0].tiers_cpu == {"relay": 0.25}
    assert any("fault: kill relay" in line for line in shown.lines)
