"""What follows for a relay core from a run with a reflector."""

import pytest

from bench.proofs.relay_sessions import figures_of
from loadtest.result import RunResult, Second

PER_SECOND = 10.0
SESSIONS = 1000
SENT = 4000
"""A second: so two callers of five speak."""


def second(number: int) -> Second:
    return Second(
        second=number,
        sessions=SESSIONS,
        counts={"frames_sent": SENT, "frames_received": SENT},
        latencies={},
        workers_cpu=0.5,
        tiers_cpu={"relay": 0.04, "reflector": 0.1},
    )


RUN = RunResult(
    name="relay",
    started_at="2026-11-22T00:00:00+00:00",
    seconds=12,
    scenario={"load": {"ramp_seconds": 2.0, "hold_seconds": 10.0}},
    machine={},
    workers=2,
    totals={},
    peak_sessions=SESSIONS,
    latencies={},
    series=[second(number) for number in range(12)],
)


def test_packets_count_both_ways() -> None:
    figures = figures_of(RUN, PER_SECOND)
    assert figures["packets_per_second"] == 2 * SENT
    assert figures["speaking_ratio"] == 0.4


def test_a_core_carries_as_many_sessions_as_its_packets_allow() -> None:
    figures = figures_of(RUN, PER_SECOND)
    # 40 ms of CPU for 8,000 packets.
    assert figures["relay_us_per_packet"] == pytest.approx(5.0)
    assert figures["relay_core.packets_per_second"] == 200_000
    # 50 packets a second each way, of those who speak.
    assert figures["relay_core.sessions_speaking_on"] == 2000
    assert figures["relay_core.sessions_speaking_by_spurts"] == 5000


def test_callers_a_core_are_by_the_cpu_that_they_used() -> None:
    assert figures_of(RUN, PER_SECOND)["caller_core.relay_sessions"] == 2 * SESSIONS
