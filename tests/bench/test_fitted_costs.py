"""The runs that a model of what calls cost is fitted to."""

import msgspec

from bench.fitted_costs import (
    FITTED,
    MADE_BY,
    UNSEEN,
    Run,
    of_tiers_that_count,
    section,
    untold,
)
from loadtest.capacity.cost_model import TierCost, read
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.capacity.validation import TierCheck
from loadtest.scenario.contradictions import contradictions
from loadtest.scenario.scenario import Kind
from tests.loadtest.capacity.made_runs import ON_OFF, made_run


def test_its_runs_are_scenarios_without_contradictions() -> None:
    for run in (*FITTED, *UNSEEN):
        assert list(contradictions(run.changed())) == []


def test_a_run_is_a_shipped_scenario_but_for_what_it_changes() -> None:
    changed = Run("", "turns", 3, Kind.SIP, call_seconds=9.0, pause_seconds=7.0).changed()
    assert (changed.load.sessions, changed.load.call_seconds) == (3, 9.0)
    assert [(each.kind, each.talk.pause_seconds) for each in changed.callers] == [(Kind.SIP, 7.0)]


def test_an_engine_of_echoes_is_none_whose_cost_is_wanted() -> None:
    result = made_run(20, ON_OFF)
    assert of_tiers_that_count(Run("", "turns", 1), result) == result
    kept = of_tiers_that_count(Run("", "talk", 1, tiers=frozenset({"relay"})), result)
    for second in kept.series:
        assert {*second.tiers_cpu, *second.tiers_memory} == {"relay"}


def test_a_model_in_which_sessions_cost_nothing_is_not_shipped() -> None:
    costs = {
        f"{kind}.{unit}": 0.01
        for kind in ("webrtc", "websocket", "sip")
        for unit in ("speaking", "silent")
    }
    some = TierCost(cpu_seconds=costs)
    nothing = TierCost(cpu_seconds={**costs, "sip.speaking": 0.0, "sip.silent": 0.0})
    shipped = read(SHIPPED)
    assert (shipped.made_by, untold(shipped)) == (MADE_BY, [])

    told = msgspec.structs.replace(shipped, tiers={"transceiver": some, "inference": some})
    free = msgspec.structs.replace(shipped, tiers={"transceiver": nothing, "inference": some})

    assert untold(told) == []
    assert untold(free) == ["sip on transceiver"]


def test_errors_are_those_of_what_was_measured() -> None:
    checks = [TierCheck(run="unseen", tier="relay", predicted=0.9, measured=1.0)]
    assert "| relay |" in section(read(SHIPPED), checks)
    assert "-10.0%" in section(read(SHIPPED), checks)
