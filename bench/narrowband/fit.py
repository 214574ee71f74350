"""`python -m bench.narrowband.fit`: makes the weights of the cascade's UpperBand.

Sentences that are not of the agent's domain, by all voices, over a line of G.711 and one of the
telephone network, beside the same speech at 24 kHz: how loud its upper bands are, by the shape
and the level of its lower ones. Least squares of logarithms.
"""

from pathlib import Path

import numpy as np

from bench.inference.turn_utterances import PLAIN
from bench.narrowband.line import Line, hear
from bench.narrowband.speech import spoken
from inference.engines.cascade import upper_band, upper_band_weights
from inference.engines.cascade.upper_band import (
    HIGH_HZ,
    HOP_SAMPLES,
    LOW_HZ,
    QUIET_POWER,
    Floats,
    band_powers,
    features,
)
from transceiver.audio.resampler import Resampler

LOUDER = 0.5
"""Logarithm; noise varies, and the mean of a logarithm is below the logarithm of the mean."""
AUDIBLE = 2.0
"""Logarithm, over the power of what counts as silence."""
STEADIER = 0.001
"""Of the examples, against weights that cancel each other."""

TARGET = Path(upper_band_weights.__file__)


def main() -> None:
    lines = (Line.PCMU, Line.TRUNK)
    pairs = [
        _example(hear(sentence, line), hear(sentence, Line.WIDE), _delay_samples())
        for sentence in spoken(list(PLAIN[:20]))
        for line in lines
    ]
    shapes = np.concatenate([shape for shape, _ in pairs]).astype(np.float64)
    above = np.concatenate([wanted for _, wanted in pairs]).astype(np.float64)
    steady = STEADIER * len(shapes) * np.eye(shapes.shape[1])
    weights = np.linalg.solve(shapes.T @ shapes + steady, shapes.T @ above)
    weights[-1] += LOUDER
    rest = above - shapes @ weights
    print("explained of each band:", np.round(1 - rest.var(axis=0) / above.var(axis=0), 2))
    TARGET.write_text(_source(weights))
    print(f"{len(shapes)} frames; wrote {TARGET.name} of {upper_band.__name__}")


def _delay_samples() -> int:
    """How much later sound comes over the line than at 24 kHz."""
    late_s = Resampler(8000, upper_band.RATE).delay_s - Resampler(24_000, upper_band.RATE).delay_s
    return round(late_s * upper_band.RATE)


def _example(narrow: Floats, wide: Floats, delay: int) -> tuple[Floats, Floats]:
    late = np.concatenate((np.zeros(delay), wide))
    count = min(len(narrow), len(late)) // HOP_SAMPLES * HOP_SAMPLES
    shape, level = features(band_powers(narrow[:count].astype(np.float32)))
    powers = band_powers(late[:count].astype(np.float32))
    above = np.log(powers[:, len(LOW_HZ) - 1 : -2] + np.float32(QUIET_POWER)) - level
    audible = level[:, 0] > np.log(QUIET_POWER) + AUDIBLE
    return shape[audible], above[audible]


def _source(weights: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> str:
    rows = [f"    ({', '.join(f'{weight:.3f}' for weight in row)}),\n" for row in weights]
    return (
        '"""How loud each upper band is, by the lower ones: a row for each of those, and a\n'
        f'constant; {len(HIGH_HZ) - 1} columns. Made by `python -m bench.narrowband.fit`."""\n\n'
        f"WEIGHTS = (\n{''.join(rows)})\n"
    )


if __name__ == "__main__":
    main()
