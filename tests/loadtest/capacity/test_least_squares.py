"""Non-negative least squares finds what is there, and nothing below 0."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity.least_squares import non_negative

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 6), st.integers(6, 30))
def test_what_made_the_target_is_found(seed: int, columns: int, rows: int) -> None:
    chance = np.random.default_rng(seed)
    matrix = chance.uniform(0.0, 1.0, (rows, columns)) + np.eye(rows, columns)
    made_of = chance.uniform(0.0, 1.0, columns) * (chance.uniform(size=columns) < 0.7)
    assert np.allclose(non_negative(matrix, matrix @ made_of), made_of, atol=1e-6)


@given(seeds, st.integers(1, 6), st.integers(2, 30))
def test_no_better_answer_is_near(seed: int, columns: int, rows: int) -> None:
    """The conditions of Karush, Kuhn and Tucker: no slope is left but towards below 0."""
    chance = np.random.default_rng(seed)
    matrix, target = chance.normal(size=(rows, columns)), chance.normal(size=rows)
    x = non_negative(matrix, target)
    slope = matrix.T @ (target - matrix @ x)
    assert (x >= 0.0).all()
    assert (slope <= 1e-6).all()
    assert np.abs(slope[x > 0.0]).max(initial=0.0) <= 1e-6


def test_units_of_very_different_sizes_are_no_difficulty() -> None:
    matrix = np.array([[1e6, 1.0], [2e6, 5.0], [1e6, 9.0]])
    assert np.allclose(non_negative(matrix, matrix @ [3e-6, 0.02]), [3e-6, 0.02], rtol=1e-6)
