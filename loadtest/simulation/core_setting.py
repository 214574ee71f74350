"""The compiled core's state and constants, as a scenario and a model set them."""

import math

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.core import call_lengths
from loadtest.simulation.core.engine import DEPTH, FACTOR, PEAK_RATE, PEAK_SECOND
from loadtest.simulation.core.state import Choice, State, empty_state
from loadtest.simulation.scenario import CallLength, Placement, SimulationScenario
from loadtest.simulation.sizing import Sizing
from loadtest.tiers import TIERS

HOUR = 3600.0
SLOTS_BEYOND_SESSIONS = 1.2
_LENGTHS = {
    CallLength.EXPONENTIAL: call_lengths.EXPONENTIAL,
    CallLength.FIXED: call_lengths.FIXED,
    CallLength.LOGNORMAL: call_lengths.LOGNORMAL,
}
_TRIES = {Placement.RANDOM: 1, Placement.IN_TURN: 0, Placement.TWO_CHOICES: 2}
MOST_BEYOND_PEAK = 3
"""Pods that an autoscaler may make unless told, of those that the busiest time takes."""


def sessions_at_peak(scenario: SimulationScenario) -> list[float]:
    """Of each region's callers."""
    weights = sum(region.share for region in scenario.regions)
    return [scenario.calls.sessions * region.share / weights for region in scenario.regions]


def most_pods(scenario: SimulationScenario, sizing: Sizing, tier: str, region: int) -> int:
    """So many pods there may be of a tier in a region."""
    wanted = pods_at_peak(scenario, sizing, tier, region)
    scaling = scenario.tier(tier).autoscaling
    if scaling is None:
        return wanted
    return max(wanted, scaling.minimum, scaling.maximum or MOST_BEYOND_PEAK * wanted)


def pods_at_peak(scenario: SimulationScenario, sizing: Sizing, tier: str, region: int) -> int:
    settings = scenario.tier(tier)
    if settings.pods is not None:
        return settings.pods
    sessions = sessions_at_peak(scenario)[region] * (1.0 + settings.spare)
    return max(1, math.ceil(sessions / sizing.sessions_a_pod[tier]))


def core_state(scenario: SimulationScenario, sizing: Sizing) -> State:
    """Without a pod, and before the first call."""
    regions = range(len(scenario.regions))
    most = max(most_pods(scenario, sizing, tier, region) for tier in TIERS for region in regions)
    state = empty_state(
        regions=len(regions),
        pods_a_pool=most,
        slots=1000 + int(SLOTS_BEYOND_SESSIONS * scenario.calls.sessions),
        waiting=scenario.clients.waiting if scenario.clients.patience_seconds else 0,
        seed=scenario.seed,
    )
    state.round_trip[:] = _round_trips(scenario)
    state.order[:] = np.argsort(state.round_trip, axis=1, kind="stable")
    for number, sessions in enumerate(sessions_at_peak(scenario)):
        region, arrival = scenario.regions[number], state.arrival[number]
        arrival[PEAK_RATE] = sessions / scenario.calls.seconds
        arrival[DEPTH] = scenario.calls.daily_swing
        arrival[PEAK_SECOND] = (region.peak_hour - scenario.begin_hour) * HOUR
        arrival[FACTOR] = 1.0
    return state


def _round_trips(scenario: SimulationScenario) -> NDArray[np.float64]:
    """Seconds from callers of a region to the servers of another."""
    names = [region.name for region in scenario.regions]
    trips = np.zeros((len(names), len(names)))
    for trip in scenario.round_trips:
        one, other = (names.index(name) for name in trip.between)
        trips[one, other] = trips[other, one] = trip.ms / 1000.0
    access = np.array([region.access_ms / 1000.0 for region in scenario.regions])
    trips += access[:, None]
    return trips


def choice(scenario: SimulationScenario, sizing: Sizing) -> Choice:
    clients, calls = scenario.clients, scenario.calls
    return Choice(
        tries=_TRIES[clients.placement],
        overflow=clients.overflow,
        length=_LENGTHS[calls.length],
        length_mean=calls.seconds,
        length_sigma=calls.sigma,
        patience=clients.patience_seconds,
        spread=clients.spread_seconds,
        reconnects=clients.reconnects,
        relay_heals=clients.relay_heals_seconds,
        hand_off=clients.hand_off_seconds,
        late=scenario.levels.set_up_seconds,
        set_up_cpu=sizing.set_up_cpu_seconds,
        session_cores=sizing.session_cores,
        pod_cores=scenario.tier("transceiver").cores,
        set_up_trips=clients.set_up_round_trips,
    )
