"""How a run goes, at a glance."""

from dataclasses import dataclass

from loadtest.coordinator.roll import Roll
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The last seconds of a run, all workers together; latencies are None where none was noted."""

    second: int
    """The last one that all have told of."""
    length_s: float
    """Of the whole run, as planned."""
    workers: int
    """That are at work."""
    sessions: int
    planned_sessions: int
    calls_per_second: float
    """Set up, of late."""
    calls_failed: int
    """Since the run's start."""
    set_up_p50_s: float | None
    set_up_p99_s: float | None
    frame_lateness_p99_s: float | None
    arrival_lateness_p99_s: float | None
    """Of the harness itself: how much later than planned calls were begun."""


def glimpse(recent: Interval, seconds: int, scenario: Scenario, roll: Roll) -> Glimpse:
    """`recent` is so many seconds as one."""

    def percentile(latency: Latency, percent: float) -> float | None:
        histogram = recent.latencies.get(latency)
        return None if histogram is None else histogram.percentile(percent)

    return Glimpse(
        second=recent.second,
        length_s=scenario.load.seconds,
        workers=roll.present,
        sessions=recent.sessions,
        planned_sessions=scenario.load.sessions,
        calls_per_second=recent.counts.get(Count.CALLS_SET_UP, 0) / seconds,
        calls_failed=sum(member.calls_failed for member in roll.members),
        set_up_p50_s=percentile(Latency.SET_UP, 50),
        set_up_p99_s=percentile(Latency.SET_UP, 99),
        frame_lateness_p99_s=percentile(Latency.FRAME_LATENESS, 99),
        arrival_lateness_p99_s=percentile(Latency.ARRIVAL_LATENESS, 99),
    )
