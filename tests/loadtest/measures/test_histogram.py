import base64
import math
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hdrh.codec import HdrHistogramEncoder, PayloadHeader
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from loadtest.measures.histogram import Histogram

SECONDS = st.floats(min_value=0.0, max_value=7200.0, allow_nan=False)
VALUES = st.lists(SECONDS, max_size=60)


def of(values: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(values)
    return histogram


def library_histogram(values: list[float]) -> HdrHistogram:
    histogram = HdrHistogram(1, 3_600_000_000, 3)
    for value in values:
        histogram.record_value(max(1, min(3_600_000_000, round(value * 1e6))))
    return histogram


@given(VALUES)
@example([0.0, 0.002047, 0.002048, 0.002049, 0.004096, 3600.0, 3601.0])
def test_values_are_kept_where_the_library_keeps_them(values: list[float]) -> None:
    assert of(values).encode() == library_histogram(values).encode()


@given(VALUES)
def test_many_at_once_are_as_many_one_by_one(values: list[float]) -> None:
    one_by_one = Histogram()
    for value in values:
        one_by_one.record(value)
    assert one_by_one.encode() == of(values).encode() == of_array(values).encode()


def of_array(values: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(np.array(values))
    return histogram


@given(VALUES, VALUES)
def test_a_sum_is_the_histogram_of_all_values(some: list[float], others: list[float]) -> None:
    total = of(some)
    total.add(of(others))
    assert total.encode() == of(some + others).encode()
    assert total.count == len(some) + len(others)


@given(VALUES, st.sampled_from([0.1, 50.0, 90.0, 99.0, 99.9, 100.0]))
def test_percentiles_are_the_librarys(values: list[float], percent: float) -> None:
    found = of(values).percentile(percent)
    expected = library_histogram(values).get_value_at_percentile(percent) / 1e6
    assert found == (min(3600.0, expected) if values else None)


@given(st.lists(st.floats(1e-6, 3600.0), min_size=1, max_size=60))
def test_figures_are_right_to_a_thousandth(values: list[float]) -> None:
    histogram = of(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values), rel=1e-3, abs=1e-6)
    assert histogram.maximum == pytest.approx(max(values), rel=1e-3, abs=1e-6)
    middle = sorted(values)[max(1, math.floor(len(values) / 2 + 0.5)) - 1]
    assert histogram.percentile(50) == pytest.approx(middle, rel=1e-3, abs=1e-6)


@given(VALUES)
def test_what_is_encoded_is_decoded(values: list[float]) -> None:
    histogram = of(values)
    decoded = Histogram.decode(histogram.encode())
    assert decoded.count == histogram.count
    assert list(decoded.cumulative()) == list(histogram.cumulative())
    decoded.add(histogram)
    assert decoded.count == 2 * histogram.count


def test_other_tools_read_what_is_encoded() -> None:
    read = HdrHistogram.decode(of([0.001, 0.002, 0.004]).encode())
    assert read.get_total_count() == 3
    assert read.get_value_at_percentile(50) == 2000


@given(st.lists(SECONDS, min_size=1, max_size=60))
def test_a_distribution_rises_to_one(values: list[float]) -> None:
    points = list(of(values).cumulative())
    assert points == sorted(points)
    assert points[-1][1] == 1.0


def test_one_without_values_has_no_figures() -> None:
    empty = Histogram()
    assert (empty.count, empty.percentile(50), empty.mean, empty.maximum) == (0, None, None, None)
    assert list(empty.cumulative()) == []


def test_many_of_one_value_are_recorded_at_once() -> None:
    histogram = Histogram()
    histogram.record(0.02, count=50)
    assert histogram.count == 50
    assert histogram.encode() == of([0.02] * 50).encode()


def damage(encoded: bytes) -> list[bytes]:
    raw = base64.b64decode(encoded)
    return [encoded[:-4], encoded[:40], base64.b64encode(raw[:8]), base64.b64encode(raw[::-1])]


@pytest.mark.parametrize(
    "of_encoded", [lambda encoded, at=at: damage(encoded)[at] for at in range(4)]
)
def test_a_damaged_one_is_refused(of_encoded: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="no histogram"):
        Histogram.decode(of_encoded(of([0.1, 0.2]).encode()))


@given(st.binary(max_size=200))
def test_bytes_that_are_none_are_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="no histogram"):
        Histogram.decode(base64.b64encode(garbage))


def packed(payload: bytes) -> bytes:
    """As an encoded histogram has it."""
    whole = HdrHistogramEncoder(HdrHistogram(1, 3_600_000_000, 3))
    within = zlib.compress(payload, 9)
    whole.header.length = len(within)
    return base64.b64encode(bytes(whole.header) + within)


def payload_header() -> bytes:
    return zlib.decompress(base64.b64decode(of([]).encode())[8:])


def test_one_that_unpacks_to_more_than_any_can_be_is_refused() -> None:
    bomb = packed(payload_header() + bytes(64 << 20))
    assert len(bomb) < 128 << 10
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="larger than a histogram"):
            Histogram.decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=400))
@example(b"\xfe" + b"\xff" * 8)
def test_counts_of_any_bytes_are_none_or_sound(counts: bytes) -> None:
    header = PayloadHeader.from_buffer_copy(payload_header())
    header.payload_len = len(counts)
    try:
        histogram = Histogram.decode(packed(bytes(header) + counts))
    except ValueError:
        return
    assert histogram.count >= 0
    assert Histogram.decode(histogram.encode()).count == histogram.count


def test_one_of_another_range_is_refused() -> None:
    with pytest.raises(ValueError, match="three digits"):
        Histogram.decode(HdrHistogram(1, 10**15, 5).encode())
