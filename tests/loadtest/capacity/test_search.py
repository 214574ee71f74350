"""The search finds the largest load that holds, also where the machine is noisy."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity.search import Bounds, CapacitySearch


def tried(search: CapacitySearch, holds: Callable[[int], bool]) -> list[int]:
    """Every load that was tried, in order."""
    loads = []
    while (load := search.next) is not None:
        loads.append(load)
        search.tell(holds(load))
    return loads


def test_loads_grow_then_halve_what_lies_between() -> None:
    search = CapacitySearch(Bounds(start=10, growth=2.0, resolution=0.1))
    assert tried(search, lambda load: load <= 70) == [10, 20, 40, 80, 80, 60, 70, 75, 75]
    assert (search.largest, search.failing) == (70, 75)


@given(st.integers(0, 5000), st.integers(1, 3000), st.floats(1.1, 4.0), st.floats(0.0, 0.3))
def test_the_answer_is_as_near_as_was_asked_for(
    limit: int, start: int, growth: float, resolution: float
) -> None:
    search = CapacitySearch(Bounds(start=start, growth=growth, resolution=resolution))
    loads = tried(search, lambda load: load <= limit)
    assert search.largest <= limit
    assert search.failing is not None
    assert limit < search.failing <= search.largest + max(1, int(search.largest * resolution))
    assert len(loads) < 150


def test_one_bad_moment_is_no_limit() -> None:
    failures = {40: 1}

    def holds(load: int) -> bool:
        failures[load] = failures.get(load, 0) - 1
        return failures[load] < 0 and load <= 100

    search = CapacitySearch(Bounds(start=10, resolution=0.0))
    loads = tried(search, holds)
    assert loads[:5] == [10, 20, 40, 40, 80]
    assert search.largest == 100


def test_a_search_stays_within_its_bound() -> None:
    search = CapacitySearch(Bounds(start=10, most=35))
    assert tried(search, lambda _load: True) == [10, 20, 35]
    assert (search.largest, search.failing) == (35, None)


def test_where_nothing_holds_the_search_ends() -> None:
    search = CapacitySearch(Bounds(start=8))
    assert tried(search, lambda _load: False) == [8, 8, 4, 4, 2, 2, 1, 1]
    assert (search.largest, search.failing) == (0, 1)


def test_a_search_that_is_over_takes_no_answer() -> None:
    search = CapacitySearch(Bounds(most=1))
    search.tell(True)
    with pytest.raises(ValueError, match="is over"):
        search.tell(True)
