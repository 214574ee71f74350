"""Measured values, as a table for people and as JSON for programs."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

OUT = Path(__file__).parent / "out"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """`NAME.p50` and `NAME.p95`; nothing of no values."""
    if not values:
        return {}
    return {
        f"{name}.p50": round(statistics.median(values), 1),
        f"{name}.p95": round(percentile(values, 95), 1),
    }


def median(name: str, values: Sequence[float]) -> dict[str, float | str]:
    """`NAME`, `NAME.min` and `NAME.max`, to four significant digits; nothing of no values."""
    if not values:
        return {}
    return {
        name: rounded(statistics.median(values)),
        f"{name}.min": rounded(min(values)),
        f"{name}.max": rounded(max(values)),
    }


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.4g}")


def publish(name: str, figures: Mapping[str, float | str]) -> None:
    """Print the figures and write them to `bench/out/NAME.json`, flat."""
    for key, value in figures.items():
        print(f"{key:44}{value:>12}")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
