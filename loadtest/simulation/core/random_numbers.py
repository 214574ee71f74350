"""Random numbers of the compiled core: the same for a seed on every machine and version.

SplitMix64 (Steele, Lea and Flood, https://doi.org/10.1145/2714064.2660195).
"""

import math

import numpy as np
from numpy.typing import NDArray

from loadtest.compiled.compiling import jit, kept

Chance = NDArray[np.uint64]
"""The generator's state: an array of one."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@kept
def uniform(chance: Chance) -> float:
    """In [0, 1), with 53 random bits."""
    chance[0] += _STEP
    z = chance[0]
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return float(z >> _S11) * 2.0**-53


@jit
def exponential(chance: Chance, mean: float) -> float:
    return -mean * math.log(1.0 - uniform(chance))


@jit
def normal(chance: Chance) -> float:
    """Of mean 0 and deviation 1 (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(chance)))
    return radius * math.cos(2.0 * math.pi * uniform(chance))


@jit
def below(chance: Chance, number: int) -> int:
    """A whole number from 0, below `number`."""
    return int(uniform(chance) * number)
