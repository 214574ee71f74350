"""Takes the tones of keys out of a telephone's sound: they are no speech, and sound like some.

Exchanges send keys as telephone-events, or as the tones themselves, or as events with the first
of each tone left before it. Two sines, one of each group:
https://www.itu.int/rec/T-REC-Q.23, and how far they may be off: https://www.itu.int/rec/T-REC-Q.24
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)

BLOCK_S = 0.010
"""In longer ones the tones that are off would be other tones, in shorter ones voices be pure."""
SHORTEST_S = 0.005
"""What is shorter is as what was before."""
QUIETEST = 50.0
"""Root mean square, of 16 bits, 56 dB below the loudest: a packet without more holds no key."""
PURITY = 0.75
"""Of the power of a block, what both tones of a key have. No block of 48,797 of six synthesised
voices was so pure, and had so much of the fainter tone."""
LAST_PURITY = 0.35
"""The same, of the block behind one with a key's tones, which may end within it."""
FAINTER = 0.09
"""Of the power of a block, what the fainter tone has at least: it may be 6 dB below the other,
and off."""

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]


class KeyTones:
    """Follows one stream at `rate`."""

    __slots__ = ("_block", "_key", "_rate")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._block = int(rate * BLOCK_S)
        self._key: tuple[int, int] | None = None
        """The tones in the block before."""

    def reset(self) -> None:
        """Forget the past."""
        self._key = None

    def remove(self, samples: Samples) -> Samples:
        """The samples, with silence where there are a key's tones."""
        if len(samples) < self._rate * SHORTEST_S:
            return samples if self._key is None else np.zeros_like(samples)
        count = max(1, len(samples) // self._block)
        size = len(samples) // count
        keys = self._keys(samples[: count * size].reshape(count, size).astype(np.float32))
        if not any(keys):
            return samples
        kept = np.repeat(np.logical_not(keys), size)
        kept = np.pad(kept, (0, len(samples) - count * size), mode="edge")
        return np.where(kept, samples, np.int16(0))

    def _keys(self, blocks: Floats) -> list[bool]:
        """Whether there are a key's tones in each of the blocks, [count, samples]."""
        size = blocks.shape[1]
        energies = np.einsum("bs,bs->b", blocks, blocks).tolist()
        if max(energies) < QUIETEST**2 * size:
            self._key = None
            return []
        sines = blocks @ _waves(size, self._rate)
        sines *= sines
        keys = []
        for squares, energy in zip(sines.tolist(), energies, strict=True):
            powers = [2 / size * (squares[tone] + squares[8 + tone]) for tone in range(8)]
            low, high = max(powers[:4]), max(powers[4:])
            key = powers.index(low), powers.index(high, 4)
            keys.append(self._is_key(key, low, high, energy))
        return keys

    def _is_key(self, key: tuple[int, int], low: float, high: float, energy: float) -> bool:
        before, self._key = self._key, None
        both = low + high
        purity = LAST_PURITY if before == key else PURITY
        if min(low, high) < FAINTER * energy or both < purity * energy:
            return False
        if both >= PURITY * energy:
            self._key = key
        return both > 0


@lru_cache(maxsize=16)
def _waves(count: int, rate: int) -> Floats:
    """Cosines and sines of the tones, [samples, 16]."""
    turns = np.arange(count)[:, np.newaxis] * np.array(LOW_HZ + HIGH_HZ) / rate
    waves = np.concatenate((np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)), axis=1)
    return waves.astype(np.float32)
