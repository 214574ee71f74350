"""What the compiled loop found, told to the measures."""

from collections.abc import Sequence

from loadtest.callers.relay.reflected_check import Findings, Sample, Tally
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

HEALING_AFTER_S = 10.0
"""How long after a fault a silence may begin that is put down to it."""

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
    for sample, latency in _LATENCIES.items():
        if number := int(findings.sampled[sample]):
            noted = findings.samples[sample, :number].copy()
            if sample == Sample.HEALING:
                noted = noted[[by_fault(each, faults, run_seconds) for each in noted]]
            measures.note_many(latency, noted)
    findings.sampled[:] = 0


def by_fault(silent_s: float, faults: Sequence[float], run_seconds: float) -> bool:
    """Whether a silence that ended then is put down to a fault, however long it was."""
    began = run_seconds - silent_s
    return any(began <= at + HEALING_AFTER_S and at <= run_seconds for at in faults)
