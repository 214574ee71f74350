"""Straight lines through a run's seconds, and what they may do."""

import pytest

from bench.proofs.drift import drift
from bench.proofs.growths import growths
from bench.proofs.part import Claim
from loadtest.result import RunResult, Second


def second(
    number: int, *, mebibytes: float = 100.0, set_up_ms: float = 50.0, slowness: float = 1.0
) -> Second:
    median = slowness * set_up_ms / 1000
    return Second(
        second=number,
        sessions=10,
        counts={"frames_sent": 500, "frames_received": 500},
        latencies={
            "set_up": (median, 2 * median, 3 * median),
            "voice_to_voice": (0.1, 0.1, 0.1),
            "frame_lateness": (0.001, 0.002, 0.003),
        },
        workers_cpu=0.1 * slowness,
        tiers_memory={"relay": round(mebibytes * 2**20)},
    )


def run_of(*series: Second) -> RunResult:
    return RunResult(
        name="soak",
        started_at="2026-11-22T00:00:00+00:00",
        seconds=len(series),
        scenario={"load": {"ramp_seconds": 0.0, "hold_seconds": float(len(series))}},
        machine={},
        workers=1,
        totals={},
        peak_sessions=10,
        latencies={},
        series=list(series),
    )


def claims(*series: Second) -> dict[str, Claim]:
    """By what they are about."""
    found = growths(run_of(*series), settling=10)
    return {claim.text.partition(",")[0].removeprefix("growth of the "): claim for claim in found}


def test_a_line_says_how_much_there_was_at_its_begin() -> None:
    line = drift([0.0, 1.0, 2.0], [10.0, 11.0, 12.0])
    assert line is not None
    assert (line.mean, line.growth, line.ratio) == pytest.approx((11.0, 2.0, 0.2))
    assert line.error == pytest.approx(0.0, abs=1e-9)


def test_two_points_are_no_line() -> None:
    assert drift([0.0, 1.0], [10.0, 11.0]) is None


def test_what_stays_is_held() -> None:
    assert all(claim.held for claim in claims(*(second(n) for n in range(60))).values())


def test_what_grew_before_it_settled_is_no_drift() -> None:
    found = claims(*(second(n, mebibytes=50 if n < 10 else 100) for n in range(60)))
    assert found["memory of relay"].held


def test_memory_that_grows_is_found() -> None:
    claim = claims(*(second(n, mebibytes=100 + n) for n in range(60)))["memory of relay"]
    assert not claim.held
    assert claim.found == "+43.64% of 134 MiB"


def test_set_up_that_grows_is_found() -> None:
    found = claims(*(second(n, set_up_ms=50 + n / 5) for n in range(60)))
    assert [text for text, claim in found.items() if not claim.held] == ["median set-up"]


def test_a_machine_that_gets_slower_is_no_drift() -> None:
    series = [second(n, slowness=1.0 + 0.5 * (n >= 45)) for n in range(60)]
    claim = claims(*series)["median set-up"]
    assert claim.held
    assert claim.found.endswith("ms with what the machine did")
    assert not claim.found.endswith("+0.00 ms with what the machine did")


def test_drift_is_found_on_a_machine_that_gets_slower() -> None:
    slow = [1.0 + 0.5 * (n >= 45) for n in range(60)]
    series = [second(n, slowness=slow[n], set_up_ms=50 + n / 5) for n in range(60)]
    assert not claims(*series)["median set-up"].held


def test_what_was_not_measured_does_not_hold() -> None:
    assert not any(claim.held for claim in claims(second(0), second(1)).values())
