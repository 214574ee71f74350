"""Pods are enough for what calls cost, and a model is judged by runs that it has not seen."""

from pathlib import Path

import pytest

from loadtest.capacity.cost_model import CostModel, CostModelError, Source, TierCost, read, write
from loadtest.capacity.prediction import Calls, PodSize, predict
from loadtest.capacity.validation import check, leave_one_out
from loadtest.scenario.scenario import Kind
from tests.loadtest.capacity.made_runs import CONTINUOUS, ON_OFF, made_run

MODEL = CostModel(
    machine={"cpu": "made"},
    made_by="a test",
    sources=(Source(name="made"),),
    tiers={
        "relay": TierCost(cpu_seconds={"packet": 4e-6}),
        "transceiver": TierCost(
            cpu_seconds={"idle": 0.1, "webrtc.set_up": 0.1, "webrtc.speaking": 0.019}
        ),
    },
    packets_a_second={"webrtc.speaking": 100.0},
)


def test_pods_leave_their_headroom() -> None:
    calls = Calls(talk=CONTINUOUS, call_seconds=100.0)
    prediction = predict(MODEL, 1000, calls, {"transceiver": PodSize(2.0, 0.25)})
    relay, transceiver = prediction.tiers
    assert relay.cores_a_session == pytest.approx(4e-4)
    assert (relay.pods, relay.sessions_a_pod) == (1, pytest.approx(2000))
    assert transceiver.cores_a_session == pytest.approx(0.02)
    assert transceiver.sessions_a_pod == pytest.approx((1.5 - 0.1) / 0.02)
    assert transceiver.pods == 15
    assert prediction.pods() == {"relay": 1, "transceiver": 15}


def test_silence_costs_less() -> None:
    spoken, mostly_silent = (
        predict(MODEL, 1000, Calls(talk=talk)).tiers[1].cores for talk in (CONTINUOUS, ON_OFF)
    )
    assert mostly_silent < 0.3 * spoken


def test_calls_of_a_kind_that_was_never_measured_are_not_guessed() -> None:
    with pytest.raises(CostModelError, match="no costs of sip calls"):
        predict(MODEL, 10, Calls(kind=Kind.SIP))


def test_a_pod_that_is_busy_without_a_call_is_none() -> None:
    with pytest.raises(CostModelError, match=r"transceiver: a pod of 0\.1 cores is busy"):
        predict(MODEL, 10, Calls(), {"transceiver": PodSize(0.1)})


def test_a_model_is_the_same_from_its_file(tmp_path: Path) -> None:
    write(MODEL, tmp_path / "model.json")
    assert read(tmp_path / "model.json") == MODEL


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "truncated"), ('{"machine": {}}', "made_by"), ("[]", "Expected `object`")],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(CostModelError, match=f"model.json: .*{complaint}"):
        read(path)


def test_a_run_that_was_left_out_is_told_by_the_others() -> None:
    runs = [
        made_run(10, ON_OFF, name="a"),
        made_run(20, CONTINUOUS, name="b"),
        made_run(40, ON_OFF, set_ups_a_second=10, name="c"),
        made_run(30, CONTINUOUS, set_ups_a_second=5, name="d"),
    ]
    checks = list(leave_one_out(runs))
    assert {(each.run, each.tier) for each in checks} == {
        (run, tier) for run in "abcd" for tier in ("relay", "transceiver", "inference")
    }
    assert all(abs(each.error or 0.0) < 0.05 for each in checks)


def test_a_run_of_what_the_model_does_not_know_shows_the_error() -> None:
    [relay, transceiver] = check(MODEL, made_run(20, ON_OFF))
    assert relay.tier == "relay"
    assert transceiver.error is not None
    assert transceiver.error > 0.2
