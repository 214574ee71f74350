"""Loads are fresh runs of the scenario, and what broke is named."""

import msgspec
import pytest

from loadtest.capacity.capacity_result import CapacityResult, Step
from loadtest.capacity.finding import CapacitySearchError, Cores, excess, find_capacity
from loadtest.capacity.limit import find_limit
from loadtest.capacity.search import Bounds
from loadtest.capacity.tables import step_line
from loadtest.result import LevelRecord, RunResult
from loadtest.scenario.scenario import Load, Scenario
from tests.loadtest.capacity.made_runs import CONTINUOUS, made_run

SCENARIO = Scenario(
    name="made",
    load=Load(sessions=1, ramp_seconds=10.0, hold_seconds=20.0),
    service_levels={"frames_on_schedule": 0.99, "set_up_p99_ms": 500.0},
)


def level(name: str, bound: float, measured: float | None, unit: str, *, held: bool) -> LevelRecord:
    return LevelRecord(
        name=name, description=name, bound=bound, measured=measured, held=held, unit=unit
    )


LEVELS_HELD = [level("frames_on_schedule", 0.99, 1.0, "ratio", held=True)]


async def run(scenario: Scenario) -> RunResult:
    """Frames come on schedule up to 40 sessions; set-ups take long beyond 44."""
    sessions = scenario.load.sessions
    levels = [
        level("set_up_p99_ms", 500.0, 600.0 if sessions > 44 else 9.0, "ms", held=sessions <= 44),
        level(
            "frames_on_schedule", 0.99, 0.9 if sessions > 40 else 1.0, "ratio", held=sessions <= 40
        ),
    ]
    return made_run(sessions, CONTINUOUS, levels=levels)


async def test_the_largest_load_and_what_broke_first() -> None:
    told: list[tuple[int, bool]] = []
    found = await find_capacity(
        SCENARIO,
        run,
        bounds=Bounds(start=10, resolution=0.0),
        cores=Cores(machine=2.0),
        told=lambda step, _result: told.append((step.sessions, step.held)),
    )
    assert (found.largest, found.failing) == (40, 41)
    assert found.broke_first == "frames_on_schedule"
    assert found.limit == "transceiver"
    assert told == [(step.sessions, step.held) for step in found.steps]
    assert [step.repeat for step in found.steps[3:5]] == [False, True]
    [transceiver] = [tier for tier in found.tiers if tier.tier == "transceiver"]
    assert transceiver.sessions_a_core == pytest.approx(40 / transceiver.cores)
    assert msgspec.json.decode(msgspec.json.encode(found), type=CapacityResult) == found


async def test_a_load_that_was_refused_was_not_held() -> None:
    async def refuse(scenario: Scenario) -> RunResult:
        found = made_run(scenario.load.sessions, CONTINUOUS, levels=LEVELS_HELD)
        return msgspec.structs.replace(found, peak_sessions=min(found.peak_sessions, 20))

    found = await find_capacity(
        SCENARIO,
        refuse,
        bounds=Bounds(start=10, resolution=0.0),
        cores=Cores(),
        told=lambda _step, _result: None,
    )
    assert (found.largest, found.broke_first) == (25, "sessions")


async def test_a_scenario_without_levels_is_none_to_search_with() -> None:
    bare = msgspec.structs.replace(SCENARIO, service_levels={})
    with pytest.raises(CapacitySearchError, match="service_levels"):
        await find_capacity(
            bare, run, bounds=Bounds(), cores=Cores(), told=lambda _step, _result: None
        )


@pytest.mark.parametrize(
    ("bound", "measured", "unit", "expected"),
    [
        (500.0, 1000.0, "ms", 2.0),
        (0.99, 0.95, "ratio", 5.0),
        (0.0, 0.1, "ratio", float("inf")),
        (1.0, 0.99, "ratio", float("inf")),
        (100.0, 50.0, "", 2.0),
        (100.0, None, "ms", float("inf")),
    ],
)
def test_how_far_beyond_its_bound(
    bound: float, measured: float | None, unit: str, expected: float
) -> None:
    assert excess(level("x", bound, measured, unit, held=False)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tiers", "workers", "expected"),
    [
        ({"relay": 0.2, "transceiver": 0.9}, 0.1, "transceiver"),
        ({"relay": 0.2, "transceiver": 0.3}, 0.9, "harness"),
        ({"relay": 0.7, "transceiver": 0.7}, 0.6, "machine"),
        ({"relay": 0.2, "transceiver": 0.3}, 0.1, ""),
        ({}, 0.0, ""),
    ],
)
def test_whose_cpu_was_the_limit(tiers: dict[str, float], workers: float, expected: str) -> None:
    step = Step(sessions=10, held=False, tiers_cpu=tiers, workers_cpu=workers)
    assert find_limit(step, {}, 2.0, 1.0).name == expected


def test_calls_that_were_refused_without_need_are_told_of() -> None:
    step = Step(sessions=9, held=False, tiers_cpu={"relay": 0.1}, failures={"refused": 3})
    assert find_limit(step, {}, 2.0, 1.0).says.endswith("and 3 calls were refused")
    assert "calls failed: 3 refused" in step_line(step)


def test_a_harness_that_was_late_is_named_before_the_machine() -> None:
    step = Step(sessions=10, held=False, tiers_cpu={"relay": 0.1}, harness_late=True)
    assert find_limit(step, {}, 2.0, 1.0).name == "harness"


def test_a_tier_with_more_cores_is_less_busy() -> None:
    step = Step(sessions=10, held=False, tiers_cpu={"relay": 0.9, "transceiver": 2.0})
    assert find_limit(step, {"transceiver": 4.0}, 8.0, 1.0).name == "relay"
