"""When each call of a run comes, how long it lasts, and the seed of all that is random in it.

A run has as many lines as `sessions`, each with one call at a time: the first one comes in the
ramp, the next one when that was planned to end, whatever came of it. So there are never more
calls at once than sessions, and how fast calls come owes nothing to what is tested.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

from loadtest.scenario.scenario import Arrivals, CallerProfile, Length, Load, Scenario

LEAST_SECONDS = 1.0
"""A random length is at least so long, unless the mean is shorter, and a call that had less time
left until the run's end is not begun: hardly any call could be set up in less."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call."""

    number: int
    """From 0, in the order of `start_s`."""
    profile: int
    """Index into the scenario's callers."""
    start_s: float
    """After the run's start."""
    length_s: float
    """From its start to its hang-up, set-up included."""
    seed: int
    """Of everything random that the caller does."""


def plan_calls(scenario: Scenario, *, worker: int = 0, workers: int = 1) -> Iterator[CallPlan]:
    """The calls of one worker of so many, in the order of their start.

    The same scenario gives the same calls, however many workers share them.
    """
    random = Random(scenario.seed)  # noqa: S311 - a plan is no secret
    profiles = _profiles(scenario.callers, scenario.load.sessions, random)
    for number, (line, start, length) in enumerate(_calls(scenario.load, random)):
        if number % workers == worker:
            yield CallPlan(number, profiles[line], start, length, _seed(scenario.seed, number))


def _calls(load: Load, random: Random) -> Iterator[tuple[int, float, float]]:
    """Line, start and length of each call."""
    least = LEAST_SECONDS if load.call_seconds is None else min(LEAST_SECONDS, load.call_seconds)
    starts = enumerate(_starts(load, random))
    lines = [(start, line, _first_length(load, line, start, random)) for line, start in starts]
    heapq.heapify(lines)
    while lines:
        start, line, length = lines[0]
        left = load.seconds - start
        yield line, start, min(length, left)
        if left - length < least:
            heapq.heappop(lines)
        else:
            heapq.heapreplace(lines, (start + length, line, _length(load, random)))


def _starts(load: Load, random: Random) -> list[float]:
    """When each line's first call comes.

    Of a Poisson process that had so many arrivals in the ramp, each is anywhere in it.
    """
    if load.arrivals is Arrivals.EVEN:
        return [load.ramp_seconds * line / load.sessions for line in range(load.sessions)]
    return sorted(load.ramp_seconds * random.random() for _ in range(load.sessions))


def _first_length(load: Load, line: int, start: float, random: Random) -> float:
    """Of a line's first call.

    Were fixed lengths the same from the first call on, each ramp would come again and again, a
    call's length later. From half of a length to one and a half, they spread the lines' later
    calls over all of it: evenly, or each to a random place.
    """
    mean = load.call_seconds
    if mean is None or load.length is not Length.FIXED:
        return _length(load, random)
    even = load.arrivals is Arrivals.EVEN
    phase = line / load.sessions if even else random.random()
    return mean / 2 + (phase * mean - start - mean / 2) % mean


def _length(load: Load, random: Random) -> float:
    if load.call_seconds is None:
        return load.seconds
    if load.length is Length.FIXED or load.call_seconds <= LEAST_SECONDS:
        return load.call_seconds
    return LEAST_SECONDS + random.expovariate(1 / (load.call_seconds - LEAST_SECONDS))


def _profiles(callers: Sequence[CallerProfile], lines: int, random: Random) -> list[int]:
    """Each line's profile: as many of each as its share says, in random order."""
    bounds, total, weight = [], sum(each.share for each in callers), 0.0
    for caller in callers:
        weight += caller.share
        bounds.append(round(lines * weight / total))
    profiles = [
        profile
        for profile, (low, high) in enumerate(zip([0, *bounds], bounds, strict=False))
        for _ in range(high - low)
    ]
    random.shuffle(profiles)
    return profiles


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(blake2b(b"%d/%d" % (seed, number), digest_size=8).digest())
