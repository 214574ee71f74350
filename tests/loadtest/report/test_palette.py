from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from loadtest.report.palette import COLOURS, MARKS, SERIES

Vector = npt.NDArray[np.float64]

# Machado, Oliveira, Fernandes 2009, of full severity, on linear RGB.
VISIONS = {
    "all": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], LUMINANCE, [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_series_can_be_told_apart(theme: str, vision: str) -> None:
    seen = [cielab(VISIONS[vision] @ linear(colour(role, theme))) for role in SERIES]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 20


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_or_written_stands_out_from_its_ground(theme: str) -> None:
    for role in SERIES:
        assert contrast(colour(role, theme), colour("surface", theme)) >= 3
    for role in ("ink", "muted", "held", "failed"):
        assert contrast(colour(role, theme), colour("surface", theme)) >= 4.5
    for role in ("held", "failed"):
        assert contrast(colour(role, theme), colour(f"{role}-wash", theme)) >= 4.5


def test_every_role_has_a_mark_of_its_own() -> None:
    assert len(set(MARKS.values())) == len(COLOURS)


def colour(role: str, theme: str) -> str:
    found: str = getattr(COLOURS[role], theme)
    return found


def linear(text: str) -> Vector:
    channels = np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted(float(LUMINANCE @ linear(text)) for text in (one, other))
    return (high + 0.05) / (low + 0.05)


def cielab(rgb: Vector) -> Vector:
    ratios = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    x, y, z = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
