"""Every service level that a scenario can name.

Latencies are `<latency>_p50_ms`, `p90`, `p95`, `p99`, `p999` and `<latency>_max_ms`, of each of
`loadtest.measures.names.Latency`, in milliseconds and at most the bound. All others are below.
Shares of frames and of turns count from the end of the warm-up on, as latencies do; calls and
packets that no run may have count from its begin.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from loadtest.measures.names import Count, Latency
from loadtest.result import RunResult, Second
from loadtest.verdict.wording import words

Measure = Callable[[RunResult], float | None]
"""None where the run has nothing to measure it by, which does not hold."""

SPREAD_FIELDS = {
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
    "p999": "p999",
    "max": "maximum",
}
"""Of a latency's name, and of `loadtest.result.Spread`."""
PERCENTILE_WORDS = {
    "p50": "median",
    "p90": "90th percentile",
    "p95": "95th percentile",
    "p99": "99th percentile",
    "p999": "99.9th percentile",
    "max": "maximum",
}


class UnknownServiceLevelError(ValueError):
    """No service level has this name; the text says which there are."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Something measured that a scenario can set a bound to."""

    name: str
    description: str
    unit: str
    """`ms`, `ratio` or empty."""
    measure: Measure
    at_least: bool = False
    """Whether the bound is a lower one."""

    def holds(self, measured: float, bound: float) -> bool:
        return measured >= bound if self.at_least else measured <= bound


def find(name: str) -> ServiceLevel:
    """Raises UnknownServiceLevelError."""
    if name not in SERVICE_LEVELS:
        raise UnknownServiceLevelError(f"service_levels.{name}: {_known(name)}")
    return SERVICE_LEVELS[name]


def _known(name: str) -> str:
    close = difflib.get_close_matches(name, SERVICE_LEVELS, n=3)
    meant = f"no such service level; did you mean {' or '.join(close)}? " if close else ""
    others = ", ".join(_OTHERS)
    latencies = ", ".join(Latency)
    return (
        f"{meant or 'no such service level. '}There are {others}; and <latency>_p50_ms, _p90_ms, "
        f"_p95_ms, _p99_ms, _p999_ms and _max_ms of {latencies}"
    )


def _latency_levels() -> dict[str, ServiceLevel]:
    levels = [_latency(latency, percentile) for latency in Latency for percentile in SPREAD_FIELDS]
    return {level.name: level for level in levels}


def _latency(latency: Latency, percentile: str) -> ServiceLevel:
    def measure(result: RunResult) -> float | None:
        spread = result.latencies.get(latency)
        if spread is None or not spread.count:
            return None
        return 1000.0 * float(getattr(spread, SPREAD_FIELDS[percentile]))

    description = f"{words(latency)}, {PERCENTILE_WORDS[percentile]}"
    return ServiceLevel(f"{latency}_{percentile}_ms", description, "ms", measure)


def _share(part: Count, *whole: Count) -> Measure:
    """After the warm-up, as latencies are."""

    def measure(result: RunResult) -> float | None:
        of = sum(_counted(result, count) for count in whole)
        return _counted(result, part) / of if of else None

    return measure


def _counted(result: RunResult, count: Count) -> int:
    begin = float(result.scenario["warm_up_seconds"])
    return sum(second.counts.get(count, 0) for second in result.series if second.second >= begin)


def _calls_failed(result: RunResult) -> float | None:
    """Of the whole run: a call that fails while others warm up has failed."""
    started = result.totals.get(Count.CALLS_STARTED, 0)
    return result.totals.get(Count.CALLS_FAILED, 0) / started if started else None


def _number(what: Count, evidence: Count) -> Measure:
    """How many of `what`; nothing was measured where there is no `evidence`."""

    def measure(result: RunResult) -> float | None:
        return float(result.totals.get(what, 0)) if result.totals.get(evidence) else None

    return measure


def _peak_sessions(result: RunResult) -> float | None:
    return float(result.peak_sessions)


def _set_up_rate(result: RunResult) -> float | None:
    ramp = float(result.scenario["load"]["ramp_seconds"])
    seconds = [second for second in result.series if second.second < ramp]
    # Where all were held up, some seconds were told of as one.
    passed = seconds[-1].second + 1 if seconds else 0
    return sum(map(_set_up, seconds)) / passed if seconds else None


def _set_up(second: Second) -> int:
    return second.counts.get(Count.CALLS_SET_UP, 0)


def _longest_healing_ms(result: RunResult) -> float | None:
    healed = [fault.healed_seconds for fault in result.faults]
    known = [seconds for seconds in healed if seconds is not None]
    return 1000.0 * max(known) if known and len(known) == len(healed) else None


DUE = (Count.FRAMES_RECEIVED, Count.FRAMES_LOST, Count.FRAMES_SKIPPED)
"""Frames that had to come."""
ANSWERED = (Count.TURNS_RIGHT, Count.TURNS_WRONG, Count.TURNS_UNANSWERED)
"""Turns that were over: of one that went on at the end, nothing is known."""

_LISTED = (
    ServiceLevel(
        "sessions",
        "Sessions at once (the most)",
        "",
        _peak_sessions,
        at_least=True,
    ),
    ServiceLevel(
        "set_up_rate",
        "Calls set up per second (over the ramp)",
        "",
        _set_up_rate,
        at_least=True,
    ),
    ServiceLevel(
        "calls_failed",
        "Calls failed (of those begun)",
        "ratio",
        _calls_failed,
    ),
    ServiceLevel(
        "frames_on_schedule",
        "Frames on schedule (of those due)",
        "ratio",
        _share(Count.FRAMES_ON_SCHEDULE, *DUE),
        at_least=True,
    ),
    ServiceLevel(
        "frames_lost",
        "Frames lost (of those due)",
        "ratio",
        _share(Count.FRAMES_LOST, *DUE),
    ),
    ServiceLevel(
        "frames_skipped",
        "Frames never sent (of those due)",
        "ratio",
        _share(Count.FRAMES_SKIPPED, *DUE),
    ),
    ServiceLevel(
        "frames_reordered",
        "Frames out of order (of those that came)",
        "ratio",
        _share(Count.FRAMES_REORDERED, Count.FRAMES_RECEIVED),
    ),
    ServiceLevel(
        "frames_duplicated",
        "Frames that came twice (of those that came)",
        "ratio",
        _share(Count.FRAMES_DUPLICATED, Count.FRAMES_RECEIVED),
    ),
    ServiceLevel(
        "frames_unauthenticated",
        "Packets not as they were sent",
        "",
        _number(Count.FRAMES_UNAUTHENTICATED, Count.FRAMES_RECEIVED),
    ),
    ServiceLevel(
        "misrouted",
        "Misrouted packets (of another call)",
        "",
        _number(Count.MISROUTED, Count.FRAMES_RECEIVED),
    ),
    ServiceLevel(
        "turns_right",
        "Turns right (of those over)",
        "ratio",
        _share(Count.TURNS_RIGHT, *ANSWERED),
        at_least=True,
    ),
    ServiceLevel(
        "turns_wrong",
        "Turns wrong (of those over)",
        "ratio",
        _share(Count.TURNS_WRONG, *ANSWERED),
    ),
    ServiceLevel(
        "turns_unanswered",
        "Turns unanswered (of those over)",
        "ratio",
        _share(Count.TURNS_UNANSWERED, *ANSWERED),
    ),
    ServiceLevel(
        "errors_received",
        "Errors of the API (not asked for)",
        "",
        _number(Count.ERRORS_RECEIVED, Count.EVENTS_RECEIVED),
    ),
    ServiceLevel(
        "faults_healed_ms",
        "Healing of faults (the longest)",
        "ms",
        _longest_healing_ms,
    ),
)

_OTHERS = {level.name: level for level in _LISTED}

SERVICE_LEVELS: dict[str, ServiceLevel] = {**_OTHERS, **_latency_levels()}
"""By name."""
