"""The table: what was carried, and what a packet cost whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.loadtest_relay.caller_process import CallerResult
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Latency


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one run."""

    seconds: float
    """For how long all calls were up."""
    callers: Sequence[CallerResult]
    tiers_cpu: Mapping[str, float]
    """CPU seconds in that time."""
    counters: Sequence[Mapping[str, int]]
    """Of each reflector, at the end."""


def print_costs(costs: Costs) -> None:
    holds = [result.hold for result in costs.callers]
    whole = [each for result in costs.callers for each in (result.ramp, result.hold, result.rest)]
    packets = _total(holds, Count.FRAMES_RECEIVED)
    print(f"set up {_total(whole, Count.CALLS_SET_UP)}, failed {_total(whole, Count.CALLS_FAILED)}")
    print(f"bound {sum(each['bound'] for each in costs.counters)}")
    for latency in Latency.SET_UP, Latency.FRAME_LATENESS, Latency.ONE_WAY_DELAY, Latency.HEALING:
        print(f"{latency} ms: {_spread(whole, latency)}")
    print(f"send_lateness ms, while held: {_spread(holds, Latency.SEND_LATENESS)}")
    print(f"packets a second, each way: {packets / costs.seconds:.0f}")
    sent, lost = _total(whole, Count.FRAMES_SENT), _total(whole, Count.FRAMES_LOST)
    print(f"sent {sent}, lost {lost}, received {_total(whole, Count.FRAMES_RECEIVED)}")
    misrouted = sum(each["misrouted"] for each in costs.counters)
    print(f"misrouted {_total(whole, Count.MISROUTED)} at callers, {misrouted} at reflectors")
    used = {"callers": sum(each.cpu_seconds for each in holds), **costs.tiers_cpu}
    for name, seconds in used.items():
        each = seconds / max(packets, 1) * 1e6
        cores = seconds / costs.seconds
        print(f"{name}: {cores:.2f} cores, {each:.1f} us a packet there and back")


def _total(intervals: Sequence[Interval], what: Count) -> int:
    return sum(interval.counts.get(what, 0) for interval in intervals)


def _spread(intervals: Sequence[Interval], latency: Latency) -> str:
    merged = Histogram()
    for interval in intervals:
        if latency in interval.latencies:
            merged.add(interval.latencies[latency])
    shown = (merged.percentile(50), merged.percentile(99), merged.maximum)
    return "p50 {} p99 {} max {}".format(*("-" if s is None else f"{s * 1e3:.1f}" for s in shown))
