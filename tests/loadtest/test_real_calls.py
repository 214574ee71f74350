"""A run from its scenario to its result, with real callers and a real deployment."""

import pytest

from loadtest.run import run
from loadtest.scenario.reading import parse_scenario
from tests.loadtest.called_deployment import CalledDeployment
from tests.loadtest.small_run import ROOT, Shown

SCENARIO = """
name = "real"
load = {sessions = 4, ramp_seconds = 0.5, hold_seconds = 4}
callers = [
  {kind = "webrtc", talk = {model = "continuous", expect = "echo"}},
  {kind = "sip", talk = {model = "continuous", expect = "echo"}},
]
service_levels = {calls_failed = 0.0, misrouted = 0}
"""


async def test_calls_by_two_doors_are_echoed(
    deployment: CalledDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = Shown()
    scenario = parse_scenario(SCENARIO)
    result = await run(scenario, deployment.target(), workers=2, display=shown)
    assert result.failures == []
    assert result.passed, result.levels
    assert result.totals["calls_started"] == result.totals["calls_ended"] == 4
    assert result.totals["frames_received"] > 0
    assert result.latencies["set_up"].count == 4
    assert shown.glimpses
