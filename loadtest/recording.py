"""A run as it happens: the intervals of all workers, faults and tiers, until they are a result."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from loadtest.deployment.deployment import TierUse
from loadtest.faults.healing import healed
from loadtest.harness_lateness import HarnessLateness
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import MAX_EXAMPLES, Interval
from loadtest.measures.names import Count, Failure, Latency
from loadtest.recorded_second import RecordedSecond
from loadtest.result import FailureRecord, FaultRecord, RunResult, Spread
from loadtest.scenario.scenario import Scenario

OPEN_SECONDS = 10
"""So many of the last seconds are kept in a form that is quick to add to and to look at."""


class Recording:
    """Takes what came of each second, in any order."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        workers: int,
        started_at: datetime,
        machine: Mapping[str, str | float],
        label: str = "",
    ) -> None:
        self._scenario = scenario
        self._workers = workers
        self._started_at = started_at
        self._machine = machine
        self._label = label
        self._seconds: dict[int, RecordedSecond] = {}
        self._newest = -1
        self._latencies: dict[Latency, Histogram] = {}
        self._failed: Counter[Failure] = Counter()
        self._examples: dict[Failure, list[str]] = {}
        self._faults: list[FaultRecord] = []
        self._lateness = HarnessLateness()
        self._notes: list[str] = []

    def add(self, interval: Interval, worker: int = 0) -> None:
        """One second of one worker; if it told of that second before, this is added."""
        self._at(interval.second).add(interval, worker)
        self._lateness.add(worker, interval.second, interval.cpu_seconds)
        self._failed.update(interval.failed)
        for failure in interval.failures:
            examples = self._examples.setdefault(failure.reason, [])
            if len(examples) < MAX_EXAMPLES:
                examples.append(f"call {failure.number}: {failure.detail}".removesuffix(": "))
        if interval.second >= self._scenario.warm_up_seconds:
            for latency, histogram in interval.latencies.items():
                self._latencies.setdefault(latency, Histogram()).add(histogram)

    def add_fault(self, fault: FaultRecord) -> None:
        self._faults.append(fault)

    def add_use(self, second: int, use: TierUse) -> None:
        """What the tiers used in that second."""
        self._at(second).use = use

    def note(self, text: str) -> None:
        """Something that a reader of the result must know."""
        self._notes.append(text)

    def recent(self, seconds: int = 1) -> Interval | None:
        """The last seconds that all workers have told of, as one: sums, and sessions of the last.

        At most `OPEN_SECONDS`; None where there is none yet.
        """
        told = [each for each in self._open() if self._seconds[each].workers >= self._workers]
        if not told:
            return None
        parts = [self._seconds[each].interval() for each in told[-seconds:]]
        return replace(Interval.merged(told[-1], parts), sessions=parts[-1].sessions)

    def result(self) -> RunResult:
        """All there is so far, without a verdict."""
        series = [self._seconds[second].record() for second in sorted(self._seconds)]
        totals: Counter[str] = Counter()
        for second in series:
            totals.update(second.counts)
        return RunResult(
            name=self._scenario.name,
            label=self._label,
            started_at=self._started_at.isoformat(),
            seconds=float(self._newest + 1),
            scenario=msgspec.to_builtins(self._scenario),
            machine=dict(self._machine),
            workers=self._workers,
            totals={name.value: totals[name] for name in Count if totals[name]},
            peak_sessions=max((second.sessions for second in series), default=0),
            latencies={
                name.value: Spread.of(self._latencies[name])
                for name in Latency
                if name in self._latencies
            },
            series=series,
            faults=healed(sorted(self._faults, key=lambda fault: fault.second), series),
            failures=self._failures(),
            notes=[*self._notes, *self._lateness.notes(self._latencies)],
        )

    def _failures(self) -> list[FailureRecord]:
        """The most frequent first."""
        return [
            FailureRecord(reason=reason.value, count=count, examples=self._examples.get(reason, []))
            for reason, count in self._failed.most_common()
        ]

    def _at(self, second: int) -> RecordedSecond:
        if second not in self._seconds:
            self._seconds[second] = RecordedSecond(second)
        if second > self._newest:
            self._newest = second
            for old in [each for each in self._seconds if each <= second - OPEN_SECONDS]:
                self._seconds[old].seal()
        return self._seconds[second]

    def _open(self) -> list[int]:
        return sorted(each for each in self._seconds if each > self._newest - OPEN_SECONDS)
