"""What a run asked of the tiers, in the units that a tier's CPU is paid in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from loadtest.measures.names import Count
from loadtest.result import RunResult, Second
from loadtest.scenario.scenario import CallerProfile, Expect, Kind, Scenario, Talk, TalkModel

IDLE, PACKET, TURN = "idle", "packet", "turn"
SET_UP, SPEAKING, SILENT = "set_up", "speaking", "silent"
"""Of a kind of callers, as `webrtc.set_up`: one call set up, one second of one session."""

Demand = Mapping[str, float]
"""By unit: how many. `idle` counts seconds of the run, in which the tier was merely there; `packet`
those that come by the relay."""


class UnusableRunError(ValueError):
    """A run that no model can be fitted to; the text says what it lacks."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of a run."""

    demand: Demand
    cpu_seconds: Mapping[str, float]
    """That each tier used."""


def of_kind(kind: str, unit: str) -> str:
    return f"{kind}.{unit}"


def windows(result: RunResult, seconds: int = 5) -> list[Window]:
    """A run cut into windows, which are long enough for CPU and what it was for to be in one.

    Raises UnusableRunError where the run could not watch the tiers, or is shorter than one.
    """
    scenario = scenario_of(result)
    watched = [second for second in result.series if second.tiers_cpu]
    if len(watched) < seconds:
        raise UnusableRunError(f"{result.name}: CPU by tier is known of {len(watched)} s only")
    starts = range(0, len(watched) - seconds + 1, seconds)
    return [_window(watched[start : start + seconds], scenario) for start in starts]


def whole(result: RunResult) -> Window:
    """The whole run, as far as the tiers were watched. Raises UnusableRunError."""
    watched = [second for second in result.series if second.tiers_cpu]
    if not watched:
        raise UnusableRunError(f"{result.name}: its tiers were not watched")
    return _window(watched, scenario_of(result))


def scenario_of(result: RunResult) -> Scenario:
    """Raises UnusableRunError where the result does not have one."""
    try:
        return msgspec.convert(result.scenario, Scenario)
    except msgspec.ValidationError as error:
        raise UnusableRunError(f"{result.name}: scenario: {error}") from error


def speaking_share(talk: Talk) -> float:
    """The share of a call in which its caller speaks, by the scenario.

    A turn is counted as a question and an answer that are as long as each other.
    """
    match talk.model:
        case TalkModel.CONTINUOUS:
            return 1.0
        case TalkModel.ON_OFF:
            return talk.spurt_seconds / (talk.spurt_seconds + talk.pause_seconds)
        case TalkModel.TURNS:
            return talk.spurt_seconds / (2 * talk.spurt_seconds + talk.pause_seconds)


def turns_per_second(talk: Talk) -> float:
    """Of one session, by the scenario."""
    match talk.model:
        case TalkModel.CONTINUOUS:
            return 0.0
        case TalkModel.ON_OFF:
            return 1.0 / (talk.spurt_seconds + talk.pause_seconds)
        case TalkModel.TURNS:
            return 1.0 / (2 * talk.spurt_seconds + talk.pause_seconds)


def _window(seconds: list[Second], scenario: Scenario) -> Window:
    demand: dict[str, float] = {IDLE: float(len(seconds))}
    for unit, number in _demands(seconds, scenario):
        demand[unit] = demand.get(unit, 0.0) + number
    tiers = {tier for second in seconds for tier in second.tiers_cpu}
    cpu = {tier: sum(second.tiers_cpu.get(tier, 0.0) for second in seconds) for tier in tiers}
    return Window(demand, cpu)


def _demands(seconds: list[Second], scenario: Scenario) -> Iterator[tuple[str, float]]:
    sessions = float(sum(second.sessions for second in seconds))
    set_up = _sum(seconds, Count.CALLS_SET_UP)
    frames = _sum(seconds, Count.FRAMES_SENT) + _sum(seconds, Count.FRAMES_RECEIVED)
    turns = _sum(seconds, Count.TURNS)
    for share, profile in shares(scenario):
        speaking = speaking_share(profile.talk)
        # What WebSockets carry does not come by a relay.
        yield PACKET, 0.0 if profile.kind is Kind.WEBSOCKET else share * frames
        yield of_kind(profile.kind, SET_UP), share * set_up
        # An engine of echoes takes no turn.
        yield TURN, share * turns if profile.talk.expect is Expect.ANSWER else 0.0
        yield of_kind(profile.kind, SPEAKING), share * sessions * speaking
        yield of_kind(profile.kind, SILENT), share * sessions * (1.0 - speaking)


def shares(scenario: Scenario) -> Iterator[tuple[float, CallerProfile]]:
    """What part of all callers each profile is."""
    weights = sum(profile.share for profile in scenario.callers)
    for profile in scenario.callers:
        yield profile.share / weights, profile


def _sum(seconds: list[Second], count: Count) -> float:
    return float(sum(second.counts.get(count, 0) for second in seconds))
