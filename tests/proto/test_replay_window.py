import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.replay_window import WINDOW, ReplayWindow


@given(st.lists(st.integers(0, 3 * WINDOW) | st.integers(0, 2**64 - 1), max_size=200))
def test_it_agrees_with_a_set_of_all_counters(counters: list[int]) -> None:
    window, seen = ReplayWindow(), set[int]()
    for counter in counters:
        recent = not seen or counter > max(seen) - WINDOW
        assert window.accept(counter) == (recent and counter not in seen)
        if recent:
            seen.add(counter)


def test_reordering_within_the_window_is_accepted_once() -> None:
    window = ReplayWindow()
    assert window.accept(100)
    assert window.accept(100 - WINDOW + 1)
    assert not window.accept(100 - WINDOW + 1)
    assert not window.accept(100 - WINDOW)


@pytest.mark.parametrize("jump", [1, WINDOW - 1, WINDOW, WINDOW + 1, 2**63])
def test_a_jump_forgets_no_replay(jump: int) -> None:
    window = ReplayWindow()
    assert window.accept(5)
    assert window.accept(5 + jump)
    assert not window.accept(5)
    assert not window.accept(5 + jump)
