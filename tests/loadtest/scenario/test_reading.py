import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario.call_plan import plan_calls
from loadtest.scenario.reading import (
    ScenarioError,
    parse_scenario,
    read_scenario,
    shipped_scenarios,
    shipped_text,
)
from loadtest.scenario.scenario import Arrivals, Kind, Load, Scenario, TalkModel

PAGE = Path(__file__).parents[3] / "docs/loadtest.md"

LEAST = 'name = "least"\n[load]\nsessions = 3\n'

WRONG = [
    ("name =", "Invalid value"),
    ("\0", "Invalid statement"),
    ('name = "x"', "load: is missing"),
    ("[load]\nsessions = 3", "name: is missing"),
    ('name = ""\n[load]\nsessions = 3', "name: must be 1 to 80 letters"),
    ('name = "../passwd"\n[load]\nsessions = 3', "name: must be 1 to 80 letters"),
    ('name = "x"\n[load]\nsessions = "3"', "load.sessions: Expected `int`, got `str`"),
    ('name = "x"\n[load]\nsessions = 0', "load.sessions: Expected `int` >= 1"),
    (LEAST + "session = 3", "load.session: there is no such member"),
    (LEAST + "ramp_seconds = nan", "load.ramp_seconds: Expected `float` >= 0.0"),
    (LEAST + 'arrivals = "uneven"', "load.arrivals: Invalid enum value 'uneven'"),
    (LEAST + "ramp_seconds = 0\nhold_seconds = 0", "load.hold_seconds: must be more than 0"),
    (LEAST + "[[callers]]\n[[callers]]\nshare = 0", "callers[1].share: Expected `float` > 0.0"),
    (LEAST + "[[callers]]\nshare = inf", "callers[0].share: Expected `float` <= 1000000.0"),
    (LEAST + '[[callers]]\nkind = "fax"', "callers[0].kind: Invalid enum value 'fax'"),
    (LEAST + "[[callers]]\ntalk = { modal = 1 }", "callers[0].talk.modal: there is no such"),
    (
        LEAST + "[[callers]]\ntalk = { barge_in = 0.5 }",
        'callers[0].talk.barge_in: needs model = "t',
    ),
    (
        LEAST + "[[callers]]\ntalk = { packets_per_second = 5 }",
        "talk.packets_per_second: is of kin",
    ),
    (LEAST + '[[callers]]\nkind = "sip"\nred = true', 'callers[0].red: is of kind = "webrtc"'),
    (
        LEAST + '[[callers]]\nkind = "relay"\ntalk = { model = "turns" }',
        "callers[0].talk.model: a reflector takes no turns",
    ),
    (
        LEAST + "[[callers]]\nnetwork = { loss_burst = 2 }",
        "callers[0].network.loss_burst: needs los",
    ),
    (LEAST + "[[callers]]\nnetwork = { loss = 1 }", "callers[0].network.loss: must be less than 1"),
    (
        LEAST + '[[callers]]\nkind = "websocket"',
        "callers[0].talk.expect: events have no echo",
    ),
    (
        LEAST + '[[callers]]\nkind = "relay"\nnetwork = { loss = 0.1 }',
        'callers[0].network: there is none of kind = "relay"',
    ),
    (
        LEAST + '[[callers]]\nkind = "sip"\nnetwork = { rebind_seconds = 3 }',
        "callers[0].network.rebind_seconds: there is none of kind",
    ),
    (
        LEAST + '[[callers]]\nkind = "sip"\nnetwork = { move_seconds = 3 }',
        "callers[0].network.move_seconds: there is none of kind",
    ),
    (
        LEAST + '[[callers]]\nkind = "sip"\ndata_channel = false',
        'callers[0].data_channel: is of kind = "webrtc"',
    ),
    (
        LEAST + '[[callers]]\n[[callers]]\ntalk = { expect = "answer" }',
        "callers[1].talk.expect: one engine does not both echo and answer",
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 1\naction = "kill"',
        "faults[0].tier: must be one of relay, ",
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 1\naction = "command"',
        "faults[0].command: must say what to run",
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 1\naction = "command"\ncommand = ["ls"]\ntier = "relay"',
        'faults[0].tier: is of no action = "command"',
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 1\naction = "drain"\ntier = "relay"\ncommand = ["ls"]',
        'faults[0].command: needs action = "command"',
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 1\naction = "hand_over"\ntier = "inference"',
        "faults[0].tier: only a relay hands over",
    ),
    (
        LEAST + '[[faults]]\nat_seconds = 99\naction = "kill"\ntier = "relay"',
        "faults[0].at_seconds: is after the run's end",
    ),
    (LEAST + "[service_levels]\nset_up_p98_ms = 3", "service_levels.set_up_p98_ms: no such"),
    (LEAST + '[service_levels]\nmisrouted = "0"', "service_levels.misrouted: must be a number"),
    (LEAST + "[service_levels]\nmisrouted = inf", "service_levels.misrouted: must be finite"),
    (LEAST + "[service_levels]\nmisrouted = nan", "service_levels.misrouted: must be finite"),
    (LEAST + "[service_levels]\nmisrouted = true", "service_levels.misrouted: must be a number"),
    ("warm_up_seconds = 35\n" + LEAST, "warm_up_seconds: must be less than the whole run"),
    (
        "warm_up_seconds = 5\n" + LEAST + "[service_levels]\nset_up_ice_p99_ms = 3",
        "service_levels.set_up_ice_p99_ms: all calls come before warm_up_seconds are over",
    ),
    (LEAST + "[service_levels]\nfaults_healed_ms = 3", "service_levels.faults_healed_ms: needs f"),
    ("service_levels = 3\n" + LEAST, "service_levels: Expected `object`, got `int`"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG, ids=[complaint for _, complaint in WRONG])
def test_what_cannot_be_run_is_refused_by_name_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse_scenario(text)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=80) | st.text(max_size=80).map(lambda text: LEAST + text))
def test_any_text_is_a_scenario_or_is_refused(text: str) -> None:
    with contextlib.suppress(ScenarioError):
        assert isinstance(parse_scenario(text), Scenario)


def test_what_is_left_out_has_its_default() -> None:
    scenario = parse_scenario(LEAST)
    assert scenario == Scenario(name="least", load=Load(sessions=3))
    assert scenario.callers[0].kind is Kind.WEBRTC


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(LEAST + '[[callers]]\ntalk = { model = "turns", expect = "answer" }')
    assert read_scenario(str(file)).callers[0].talk.model is TalkModel.TURNS


def test_a_files_complaint_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('name = "x"')
    with pytest.raises(ScenarioError, match=r"own.toml: load: is missing"):
        read_scenario(str(file))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["none", "no UTF-8"])
def test_what_is_no_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "none"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ScenarioError, match=f"{file}.*steady"):
        read_scenario(str(file))


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_can_be_run(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.name == name
    assert scenario.description
    assert scenario.service_levels
    assert shipped_text(name).startswith(f'name = "{name}"\n')


@pytest.mark.parametrize("name", shipped_scenarios())
def test_set_ups_of_a_shipped_scenario_are_measured(name: str) -> None:
    scenario = read_scenario(name)
    starts = [call.start_s for call in plan_calls(scenario)]
    counted = [start for start in starts if start >= scenario.warm_up_seconds]
    assert len(counted) > len(starts) / 2


def test_ten_thousand_calls_are_as_many() -> None:
    scenario = read_scenario("calls-10k")
    assert sum(1 for _ in plan_calls(scenario)) >= 10_000
    assert scenario.load.sessions >= 100


def test_churn_is_of_random_calls() -> None:
    assert read_scenario("churn").load.arrivals is Arrivals.POISSON


def test_the_pages_example_can_be_run() -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert parse_scenario(examples[0]).load.sessions == 200
