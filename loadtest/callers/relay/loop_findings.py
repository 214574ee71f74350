"""What the compiled loop found, told to the measures."""

from collections.abc import Sequence

from loadtest.callers.relay.reflected_check import Findings, Sample, Tally
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

HEALING_AFTER_S = 10.0
"""How long after a fault a silence may end that is put down to it."""

_COUNTS = {
    Tally.SENT: Count.FRAMES_SENT,
    Tally.RECEIVED: Count.FRAMES_RECEIVED,
    Tally.ON_SCHEDULE: Count.FRAMES_ON_SCHEDULE,
    Tally.LOST: Count.FRAMES_LOST,
    Tally.REORDERED: Count.FRAMES_REORDERED,
    Tally.DUPLICATED: Count.FRAMES_DUPLICATED,
    Tally.UNAUTHENTICATED: Count.FRAMES_UNAUTHENTICATED,
    Tally.MISROUTED: Count.MISROUTED,
    Tally.BYTES_SENT: Count.BYTES_SENT,
    Tally.BYTES_RECEIVED: Count.BYTES_RECEIVED,
}
_LATENCIES = {
    Sample.SEND_LATENESS: Latency.SEND_LATENESS,
    Sample.FRAME_LATENESS: Latency.FRAME_LATENESS,
    Sample.ONE_WAY_DELAY: Latency.ONE_WAY_DELAY,
    Sample.ROUND_TRIP: Latency.ROUND_TRIP,
    Sample.HEALING: Latency.HEALING,
}


def tell_findings(
    findings: Findings, measures: Measures, faults: Sequence[float], run_seconds: float
) -> None:
    """Move what was found to `measures`; `faults` and `run_seconds` are of the run's clock."""
    for tally, count in _COUNTS.items():
        if number := int(findings.tallies[tally]):
            measures.count(count, number)
    findings.tallies[:] = 0
    by_fault = any(at <= run_seconds <= at + HEALING_AFTER_S for at in faults)
    for sample, latency in _LATENCIES.items():
        if (number := int(findings.sampled[sample])) and (sample != Sample.HEALING or by_fault):
            measures.note_many(latency, findings.samples[sample, :number].copy())
    findings.sampled[:] = 0
