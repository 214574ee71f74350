"""Runs as a report gets them, made up from a seed."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from loadtest.measures.histogram import Histogram
from loadtest.measures.names import Count, Failure, Latency
from loadtest.result import FailureRecord, FaultRecord, RunResult, Second, Spread
from loadtest.scenario.scenario import (
    CallerProfile,
    Fault,
    FaultAction,
    Load,
    Scenario,
    Talk,
    TalkModel,
)
from loadtest.verdict.verdict import judge

Values = npt.NDArray[np.float64]

MEDIANS_MS = {
    Latency.ARRIVAL_LATENESS: (0.4, 0.6),
    Latency.SEND_LATENESS: (0.3, 0.5),
    Latency.SET_UP: (58.0, 0.35),
    Latency.SET_UP_SIGNALING: (11.0, 0.4),
    Latency.SET_UP_ICE: (4.0, 0.5),
    Latency.SET_UP_DTLS: (31.0, 0.4),
    Latency.SET_UP_DATA_CHANNEL: (17.0, 0.4),
    Latency.FRAME_LATENESS: (1.8, 0.7),
    Latency.ONE_WAY_DELAY: (0.5, 0.4),
    Latency.ROUND_TRIP: (1.1, 0.4),
    Latency.VOICE_TO_VOICE: (640.0, 0.25),
    Latency.BARGE_IN: (180.0, 0.3),
    Latency.TURN_ENDPOINTING: (260.0, 0.2),
    Latency.TURN_ASR: (60.0, 0.3),
    Latency.TURN_BRAIN: (140.0, 0.5),
    Latency.TURN_TTS: (110.0, 0.3),
    Latency.TURN_PACING: (12.0, 0.3),
}
"""Median and the standard deviation of its logarithm."""

SAMPLES = {Latency.FRAME_LATENESS: 400, Latency.SEND_LATENESS: 400, Latency.ROUND_TRIP: 100}
"""A second, of latencies that have more than a few."""

TIERS = {"relay": (0.25, 90e6), "transceiver": (1.1, 310e6), "inference": (0.35, 420e6)}
"""Cores at full load, resident bytes."""


@dataclass(frozen=True)
class Sample:
    """What is to be made up."""

    seed: int = 1
    seconds: int = 60
    sessions: int = 120
    label: str = ""
    slower: float = 1.0
    """By how much all that the server does takes longer."""
    failing: int = 0
    """Calls that fail."""
    fault_at: float | None = None
    latencies: tuple[Latency, ...] = tuple(MEDIANS_MS)
    service_levels: dict[str, float] = field(
        default_factory=lambda: {
            "set_up_p99_ms": 500.0,
            "frames_on_schedule": 0.999,
            "frames_lost": 0.001,
            "voice_to_voice_p95_ms": 1200.0,
            "calls_failed": 0.0,
            "misrouted": 0.0,
        }
    )


def sample_run(sample: Sample | None = None, /, **changes: Any) -> RunResult:
    """The same for the same sample."""
    sample = replace(sample or Sample(), **changes)
    random = np.random.default_rng(sample.seed)
    histograms = {latency: Histogram() for latency in sample.latencies}
    series = [_second(sample, number, histograms, random) for number in range(sample.seconds)]
    scenario = _scenario(sample)
    result = RunResult(
        name=scenario.name,
        label=sample.label,
        started_at="2026-11-21T12:00:00Z",
        seconds=float(sample.seconds),
        scenario=msgspec.to_builtins(scenario),
        machine={
            "processor": "A processor",
            "cores": 2.0,
            "memory_gib": 7.8,
            "kernel": "Linux 6.1",
        },
        workers=1,
        totals=_totals(series),
        peak_sessions=max(second.sessions for second in series),
        latencies={latency: Spread.of(histogram) for latency, histogram in histograms.items()},
        series=series,
        faults=_faults(sample),
        failures=_failures(sample),
    )
    return msgspec.structs.replace(result, levels=judge(result, scenario))


def _scenario(sample: Sample) -> Scenario:
    faults: tuple[Fault, ...] = ()
    if sample.fault_at is not None:
        faults = (Fault(at_seconds=sample.fault_at, action=FaultAction.RESTART, tier="relay"),)
    return Scenario(
        name="talk",
        description="Callers that ask, hear the answer out, and ask again.",
        seed=sample.seed,
        load=Load(sessions=sample.sessions, ramp_seconds=10.0, hold_seconds=sample.seconds - 10.0),
        callers=(CallerProfile(talk=Talk(model=TalkModel.TURNS)),),
        faults=faults,
        service_levels=sample.service_levels,
    )


def _second(
    sample: Sample,
    number: int,
    histograms: dict[Latency, Histogram],
    random: np.random.Generator,
) -> Second:
    share = min(1.0, (number + 1) / 10)
    gone = sample.fault_at is not None and number == int(sample.fault_at)
    latencies = {}
    for latency, histogram in histograms.items():
        values = _values(sample, latency, 0.2 if gone else 0.0, random)
        histogram.record_many(values)
        latencies[str(latency)] = _of_second(values)
    wobble = random.normal(1.0, 0.04)
    return Second(
        second=number,
        sessions=round(sample.sessions * share * (0.4 if gone else 1.0)),
        counts=_counts(sample, number, share, gone),
        latencies=latencies,
        workers_cpu=0.4 * share * wobble,
        tiers_cpu={
            tier: cores * share * wobble * sample.slower for tier, (cores, _) in TIERS.items()
        },
        tiers_memory={tier: round(size * (0.6 + 0.4 * share)) for tier, (_, size) in TIERS.items()},
    )


def _values(
    sample: Sample, latency: Latency, stall_s: float, random: np.random.Generator
) -> Values:
    median_ms, deviation = MEDIANS_MS[latency]
    own = latency in (Latency.ARRIVAL_LATENESS, Latency.SEND_LATENESS)
    slower = 1.0 if own else sample.slower * random.normal(1.0, 0.02)
    size = SAMPLES.get(latency, 12)
    values = median_ms / 1e3 * slower * np.exp(random.normal(0.0, deviation, size))
    if latency == Latency.FRAME_LATENESS:
        values += random.uniform(0.0, stall_s, size)
    return values


def _of_second(values: Values) -> tuple[float, float, float]:
    median, p99 = np.percentile(values, [50, 99])
    return float(median), float(p99), float(values.max())


def _counts(sample: Sample, number: int, share: float, gone: bool) -> dict[str, int]:
    frames = round(sample.sessions * share * 25)
    lost = round(frames * 0.4) if gone else frames // 9000
    set_up = sample.sessions // 10 if number < 10 else sample.sessions // 20
    failed = sample.failing // 4 if number // 4 == 5 else 0
    turns = round(sample.sessions * share / 8)
    counts = {
        Count.CALLS_STARTED: set_up + failed,
        Count.CALLS_SET_UP: set_up,
        Count.CALLS_FAILED: failed,
        Count.CALLS_ENDED: 0 if number < 10 else set_up,
        Count.FRAMES_SENT: frames,
        Count.FRAMES_RECEIVED: frames - lost,
        Count.FRAMES_LOST: lost,
        Count.FRAMES_ON_SCHEDULE: frames - lost - frames // 4000,
        Count.TURNS: turns,
        Count.TURNS_RIGHT: turns,
        Count.EVENTS_RECEIVED: 9 * turns,
        Count.BYTES_SENT: frames * 92,
        Count.BYTES_RECEIVED: (frames - lost) * 96,
    }
    return {str(name): count for name, count in counts.items() if count}


def _totals(series: list[Second]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for second in series:
        for name, count in second.counts.items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _faults(sample: Sample) -> list[FaultRecord]:
    if sample.fault_at is None:
        return []
    fault = FaultRecord(
        second=sample.fault_at,
        action=FaultAction.RESTART,
        tier="relay",
        detail="pid 4711",
        lasted_seconds=0.4,
        healed_seconds=0.62,
    )
    return [fault]


def _failures(sample: Sample) -> list[FailureRecord]:
    if not sample.failing:
        return []
    record = FailureRecord(
        reason=Failure.ICE_TIMEOUT,
        count=sample.failing // 4 * 4,
        examples=["call 417: no answer to 7 checks of <script>1</script>", "call 583: likewise"],
    )
    return [record]
