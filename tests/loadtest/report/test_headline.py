import msgspec
import pytest

from loadtest.report.headline import Verdict, headline, key_figures, verdict
from loadtest.result import FaultRecord, RunResult
from tests.loadtest.report.sample_run import sample_run


@pytest.fixture(scope="module")
def run() -> RunResult:
    return sample_run(seconds=20)


def faults(run: RunResult, *healed: float | None) -> RunResult:
    records = [
        FaultRecord(second=10.0 + at, action="hand_over", tier="relay", healed_seconds=seconds)
        for at, seconds in enumerate(healed)
    ]
    return msgspec.structs.replace(run, faults=records)


def test_what_held_is_said_in_one_sentence(run: RunResult) -> None:
    assert verdict(run) is Verdict.HELD
    assert headline(run) == "120 sessions at once, 180 calls in 20 s: all 6 service levels held."


def test_what_did_not_hold_is_said_with_its_bound() -> None:
    run = sample_run(seconds=20, service_levels={"set_up_p50_ms": 10.0, "sessions": 500.0})
    assert verdict(run) is Verdict.FAILED
    assert headline(run).endswith(
        "2 of 2 service levels did not hold: set-up, median 57.2 ms (at most 10 ms); "
        "sessions at once 120 (at least 500)."
    )


def test_a_fault_that_was_not_done_is_said_not_to_be(run: RunResult) -> None:
    faulty = faults(run, None)
    faulty = msgspec.structs.replace(
        faulty, faults=[msgspec.structs.replace(faulty.faults[0], done=False)]
    )
    assert headline(faulty).endswith("“hand over relay” at 10 s could not be done.")


def test_what_was_not_measured_is_said_to_be_not() -> None:
    run = sample_run(seconds=20, service_levels={"faults_healed_ms": 1000.0})
    assert "healing of faults not measured (at most 1 s)" in headline(run)


def test_each_of_a_few_faults_has_its_sentence(run: RunResult) -> None:
    assert headline(faults(run, 0.5, None)).endswith(
        "It healed 500 ms after “hand over relay” at 10 s. "
        "After “hand over relay” at 11 s it did not heal within the run."
    )


def test_many_faults_share_a_sentence(run: RunResult) -> None:
    many = faults(run, 0.5, 2.5, None, 0.1)
    assert headline(many).endswith("3 of 4 faults healed, the slowest after 2.5 s.")


def test_figures_that_were_not_measured_are_left_out() -> None:
    run = msgspec.structs.replace(sample_run(seconds=20), latencies={})
    labels = [figure.label for figure in key_figures(run)]
    assert "frames on schedule" in labels
    assert "set-up, p99" not in labels
