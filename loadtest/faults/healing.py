"""How long a fault was felt."""

import math
import statistics
from collections.abc import Sequence

import msgspec

from loadtest.measures.names import Count, Latency
from loadtest.result import FaultRecord, Second

AS_BEFORE = 0.9
"""The share of what was there before a fault that counts as all of it: calls come and go, and speak
by chance."""
BEFORE_SECONDS = 5
FELT_WITHIN_SECONDS = 2
"""Of its end; what begins later has another cause."""


def healed(faults: Sequence[FaultRecord], series: Sequence[Second]) -> list[FaultRecord]:
    """The same faults in the order of their time, with `healed_seconds`.

    A second is as before when there are at least 90 % as many sessions, and for what they say
    they hear 90 % as much, as in the median of the five seconds before the fault. A fault that
    was felt ends with the first second that is as before again; where there is none before the
    next fault, it is not healed. Callers note `Latency.HEALING`, how long a call had no packet
    that was due, in the second in which there was one again: the longest is how long the fault
    took, to the packet; also where it is noted late, of a call that never had one again. Where
    nobody noted any it is the time until that second began, and 0 where none was worse.
    """
    ordered = sorted(faults, key=lambda fault: fault.second)
    ends = [*(fault.second for fault in ordered), math.inf][1:]
    return [
        msgspec.structs.replace(fault, healed_seconds=_healed_seconds(fault, series, end))
        for fault, end in zip(ordered, ends, strict=True)
    ]


def _healed_seconds(fault: FaultRecord, series: Sequence[Second], end: float) -> float | None:
    if not fault.done:
        return None
    first = math.floor(fault.second)
    before = [each for each in series if first - BEFORE_SECONDS <= each.second < first]
    after = [each for each in series if first <= each.second and each.second < end]
    if not before or not after:
        return None
    worse = [not _as_before(each, before) for each in after]
    soon = math.floor(fault.second + fault.lasted_seconds) + FELT_WITHIN_SECONDS - first + 1
    if True not in worse[:soon]:
        return _longest(after[:soon], fault, series) or 0.0
    felt = worse.index(True)
    if False not in worse[felt:]:
        return None
    over = worse.index(False, felt)
    longest = _longest(after[: max(over + 1, soon)], fault, series)
    return longest or max(0.0, after[over].second - fault.second)


def _as_before(second: Second, before: Sequence[Second]) -> bool:
    return second.sessions >= AS_BEFORE * statistics.median(
        each.sessions for each in before
    ) and _heard(second) >= AS_BEFORE * statistics.median(map(_heard, before))


def _heard(second: Second) -> float:
    """Frames received for each one sent."""
    sent = second.counts.get(Count.FRAMES_SENT, 0)
    return second.counts.get(Count.FRAMES_RECEIVED, 0) / sent if sent else 0.0


def _longest(
    seconds: Sequence[Second], fault: FaultRecord, series: Sequence[Second]
) -> float | None:
    """Time without packets that callers noted then, or later of one that began with the fault."""
    then = {each.second for each in seconds}
    noted = [
        (each.second, each.latencies[Latency.HEALING][2])
        for each in series
        if Latency.HEALING in each.latencies
    ]
    return max(
        (longest for at, longest in noted if at in then or _began_with(fault, at, longest)),
        default=None,
    )


def _began_with(fault: FaultRecord, second: int, longest: float) -> bool:
    """Of a time without packets that ended in that second."""
    latest = fault.second + fault.lasted_seconds + FELT_WITHIN_SECONDS
    return fault.second <= second + 1 - longest and second - longest <= latest
