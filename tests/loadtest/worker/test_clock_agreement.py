import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.worker.clock_agreement import ClockAgreement, ClockReading

DELAYS = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=10)


@given(offset=st.floats(-1e5, 1e5), delays=DELAYS)
def test_the_error_is_no_larger_than_it_says(
    offset: float, delays: list[tuple[float, float]]
) -> None:
    """Whatever the way there and the way back take."""
    readings = [
        ClockReading(asked_at := 100.0 + number, asked_at + there + offset, asked_at + there + back)
        for number, (there, back) in enumerate(delays)
    ]
    agreement = ClockAgreement.of(readings)
    assert abs(agreement.offset_s - offset) <= agreement.error_s + 1e-9
    assert agreement.error_s <= min(sum(each) for each in delays) / 2 + 1e-9


def test_their_time_becomes_ours() -> None:
    agreement = ClockAgreement.of([ClockReading(10.0, 1010.1, 10.2)])
    assert agreement.ours(1020.0) == pytest.approx(20.0)


def test_without_a_reading_nothing_is_agreed() -> None:
    with pytest.raises(ValueError, match="empty"):
        ClockAgreement.of([])
