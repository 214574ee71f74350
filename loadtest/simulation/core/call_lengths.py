"""How long calls last."""

import math

from loadtest.compiled.compiling import jit
from loadtest.simulation.core.random_numbers import exponential, normal, uniform
from loadtest.simulation.core.state import Choice, State

EXPONENTIAL, FIXED, LOGNORMAL = 0, 1, 2


@jit
def length(state: State, choice: Choice) -> float:
    mean = choice.length_mean
    if choice.length == EXPONENTIAL:
        return exponential(state.chance, mean)
    if choice.length == FIXED:
        return mean
    sigma = choice.length_sigma
    return mean * math.exp(sigma * normal(state.chance) - 0.5 * sigma * sigma)


@jit
def rest(state: State, choice: Choice) -> float:
    """What is left of a call that is met at a random moment: longer ones are met more often."""
    mean = choice.length_mean
    if choice.length == EXPONENTIAL:
        return exponential(state.chance, mean)
    if choice.length == FIXED:
        return mean * uniform(state.chance)
    sigma = choice.length_sigma
    met = mean * math.exp(sigma * normal(state.chance) + 0.5 * sigma * sigma)
    return met * uniform(state.chance)
