"""A model that is fitted to runs has the costs that made them."""

import msgspec
import numpy as np
import pytest

from loadtest.capacity.demand import UnusableRunError, speaking_share, turns_per_second, windows
from loadtest.capacity.fitting import fit
from loadtest.scenario.scenario import Expect, Talk, TalkModel
from tests.loadtest.capacity.made_runs import (
    CONTINUOUS,
    IDLE_CORES,
    ON_OFF,
    PACKET,
    SET_UP,
    SILENT,
    SPEAKING,
    TURN,
    made_run,
)

RUNS = [
    made_run(20, CONTINUOUS),
    made_run(50, ON_OFF),
    made_run(30, ON_OFF, set_ups_a_second=40),
]


def test_costs_are_found() -> None:
    model = fit(RUNS, made_by="a test")
    relay, transceiver = model.tiers["relay"], model.tiers["transceiver"]
    assert relay.cpu_seconds["packet"] == pytest.approx(PACKET, rel=0.01)
    assert transceiver.cpu_seconds["webrtc.set_up"] == pytest.approx(SET_UP, rel=0.02)
    assert transceiver.cpu_seconds["webrtc.speaking"] == pytest.approx(SPEAKING, rel=0.02)
    assert transceiver.cpu_seconds["webrtc.silent"] == pytest.approx(SILENT, rel=0.02)
    assert transceiver.idle_cores == pytest.approx(IDLE_CORES, rel=0.05)
    assert model.tiers["inference"].cpu_seconds["turn"] == pytest.approx(TURN, rel=0.1)
    assert model.packets_a_second["webrtc.speaking"] == pytest.approx(100, rel=0.01)


def test_memory_is_found() -> None:
    relay = fit(RUNS, made_by="a test").tiers["relay"]
    assert relay.memory_bytes == pytest.approx(50e6, rel=0.01)
    assert relay.memory_bytes_a_session == pytest.approx(100e3, rel=0.01)


def test_a_model_of_noisy_runs_says_what_it_explains() -> None:
    noisy = [made_run(sessions, ON_OFF, noise=0.2) for sessions in (10, 20, 40)]
    explained = fit(noisy, made_by="a test").tiers["transceiver"].explained
    assert explained is not None
    assert 0.8 < explained < 1.0


def test_no_cost_is_below_nothing_where_plain_least_squares_has_some() -> None:
    """Of 20 models of noisy runs, and of all costs of a transceiver."""
    below = 0
    for sessions in range(10, 30):
        noisy = [made_run(sessions * factor, ON_OFF, noise=0.3) for factor in (1, 2, 4)]
        costs = fit(noisy, made_by="a test").tiers["transceiver"].cpu_seconds
        cut = [window for run in noisy for window in windows(run)]
        matrix = np.array([[window.demand[unit] for unit in costs] for window in cut])
        cpu = np.array([window.cpu_seconds["transceiver"] for window in cut])
        below += bool((np.linalg.lstsq(matrix, cpu, rcond=None)[0] < 0.0).any())
        assert min(costs.values()) >= 0.0
    assert below >= 5


def test_units_that_grew_in_step_are_named() -> None:
    model = fit([made_run(40, ON_OFF)], made_by="a test")
    assert ("webrtc.silent", "webrtc.speaking") in model.tiers["transceiver"].entangled


def test_speech_and_silence_that_no_run_tells_apart_cost_the_same() -> None:
    echoed = msgspec.structs.replace(ON_OFF, expect=Expect.ECHO)
    costs = fit([made_run(40, echoed)], made_by="a test").tiers["transceiver"].cpu_seconds
    between = 0.25 * SPEAKING + 0.75 * SILENT
    assert costs["webrtc.speaking"] == pytest.approx(between, rel=0.1)
    assert costs["webrtc.silent"] == pytest.approx(between, rel=0.1)


def test_what_websockets_carry_is_no_packet_of_the_relay() -> None:
    by_relay = made_run(20, CONTINUOUS)
    callers = [{"kind": "websocket"}, {"kind": "webrtc"}, {"kind": "sip", "share": 2.0}]
    mixed = msgspec.structs.replace(by_relay, scenario={**by_relay.scenario, "callers": callers})
    assert windows(mixed)[-1].demand["packet"] == 0.75 * windows(by_relay)[-1].demand["packet"]


def test_an_echo_is_no_turn() -> None:
    answered = made_run(20, ON_OFF)
    callers = [{"talk": {"model": "on_off", "expect": "echo"}}]
    echoed = msgspec.structs.replace(answered, scenario={**answered.scenario, "callers": callers})
    assert windows(answered)[-1].demand["turn"] == 25.0
    assert windows(echoed)[-1].demand["turn"] == 0.0


def test_a_model_says_what_it_was_made_from() -> None:
    model = fit(RUNS, made_by="antiphon-loadtest capacity --fit")
    assert [source.peak_sessions for source in model.sources] == [20, 50, 30]
    assert model.machine["processor"] == "made"


def test_a_run_whose_tiers_were_not_watched_is_of_no_use() -> None:
    blind = [msgspec.structs.replace(second, tiers_cpu={}) for second in RUNS[0].series]
    with pytest.raises(UnusableRunError, match="CPU by tier is known of 0 s only"):
        fit([msgspec.structs.replace(RUNS[0], series=blind)], made_by="a test")


def test_runs_of_several_machines_make_no_model() -> None:
    other = msgspec.structs.replace(RUNS[1], machine={**RUNS[1].machine, "processor": "another"})
    with pytest.raises(UnusableRunError, match="its machine differs in processor"):
        fit([RUNS[0], other], made_by="a test")


def test_no_run_makes_no_model() -> None:
    with pytest.raises(UnusableRunError, match="at least one run"):
        fit([], made_by="a test")


def test_a_window_has_the_seconds_that_it_is_of() -> None:
    first, *_others = windows(RUNS[0])
    assert first.demand["idle"] == 5
    assert first.demand["webrtc.speaking"] == 2 + 4 + 6 + 8 + 10


@pytest.mark.parametrize("model", TalkModel)
def test_speech_and_silence_share_a_turn(model: TalkModel) -> None:
    talk = Talk(model=model, spurt_seconds=2.0, pause_seconds=4.0)
    expected = {
        TalkModel.CONTINUOUS: (1.0, 0.0),
        TalkModel.ON_OFF: (1 / 3, 1 / 6),
        TalkModel.TURNS: (1 / 4, 1 / 8),
    }
    assert (speaking_share(talk), turns_per_second(talk)) == pytest.approx(expected[model])
