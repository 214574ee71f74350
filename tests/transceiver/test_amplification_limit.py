"""https://www.rfc-editor.org/rfc/rfc9000#section-8"""

from hypothesis import given
from hypothesis import strategies as st

from transceiver.amplification_limit import FACTOR, AmplificationLimit


def test_an_address_that_sent_nothing_gets_nothing() -> None:
    assert not AmplificationLimit().spend(1)


def test_what_does_not_fit_is_not_charged() -> None:
    limit = AmplificationLimit()
    limit.received(100)
    assert not limit.spend(301)
    assert limit.spend(300)
    assert not limit.spend(1)


def test_a_proven_address_gets_everything() -> None:
    limit = AmplificationLimit()
    limit.lift()
    assert limit.spend(1_000_000)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1500))))
def test_never_more_than_three_times_what_came_has_left(steps: list[tuple[bool, int]]) -> None:
    limit = AmplificationLimit()
    came = left = 0
    for arrives, size in steps:
        if arrives:
            limit.received(size)
            came += size
        elif limit.spend(size):
            left += size
        assert left <= FACTOR * came
