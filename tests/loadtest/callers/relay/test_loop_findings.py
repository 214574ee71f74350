"""Which silences are put down to faults."""

import pytest

from loadtest.callers.relay.call_rows import new_rows, unanswered_seconds
from loadtest.callers.relay.loop_findings import tell_findings
from loadtest.callers.relay.reflected_check import Sample, new_findings
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency


@pytest.mark.parametrize(
    ("silent_s", "run_seconds", "told"),
    [(0.5, 20.6, 1), (15.0, 35.0, 1), (0.5, 29.0, 1), (0.5, 31.0, 0), (0.5, 19.0, 0)],
)
def test_silences_are_a_faults_by_when_they_began(
    silent_s: float, run_seconds: float, told: int
) -> None:
    findings, measures = new_findings(), Measures()
    findings.samples[Sample.HEALING, 0] = silent_s
    findings.sampled[Sample.HEALING] = 1
    tell_findings(findings, measures, (20.0,), run_seconds)
    latencies = measures.take(0).latencies
    assert (latencies[Latency.HEALING].count if told else len(latencies)) == told
    assert findings.sampled[Sample.HEALING] == 0


def test_a_call_is_unanswered_for_as_long_as_it_speaks() -> None:
    row = new_rows(1)[0]
    assert unanswered_seconds(row) == 0.0
    row["unanswered_ns"], row["last_sent_ns"] = 1_000_000_000, 5_500_000_000
    row["silent_ns"] = 1_500_000_000
    assert unanswered_seconds(row) == 3.0
