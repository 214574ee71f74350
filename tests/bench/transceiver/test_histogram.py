import math

from bench.transceiver.histogram import Histogram

NAME = "a_seconds"


def scrape(*cumulative: float, labels: str = "") -> dict[str, float]:
    edges = ("0.001", "0.002", "0.004", "+Inf")
    series = {
        f'{NAME}_bucket{{{labels}le="{edge}"}}': count
        for edge, count in zip(edges, cumulative, strict=True)
    }
    return {**series, f"{NAME}_count": cumulative[-1], "another_seconds_count": 7.0}


def test_only_what_was_observed_between_the_scrapes_counts() -> None:
    histogram = Histogram(NAME, scrape(1000, 1000, 1000, 1000), scrape(1000, 1010, 1010, 1010))
    assert histogram.count == 10
    assert histogram.percentile(50) == 0.0015
    assert histogram.percentile(100) == 0.002


def test_observations_lie_evenly_within_a_bucket() -> None:
    histogram = Histogram(NAME, {}, scrape(50, 75, 100, 100))
    assert histogram.percentile(25) == 0.0005
    assert histogram.percentile(50) == 0.001
    assert math.isclose(histogram.percentile(99) or 0, 0.00392)


def test_beyond_the_last_edge_nothing_is_claimed() -> None:
    histogram = Histogram(NAME, {}, scrape(0, 0, 98, 100))
    assert histogram.percentile(98) == 0.004
    assert histogram.percentile(99) == math.inf


def test_series_with_labels_are_taken_together() -> None:
    after = scrape(10, 10, 10, 10, labels='mode="a",') | scrape(0, 10, 10, 10, labels='mode="b",')
    histogram = Histogram(NAME, {}, after)
    assert histogram.count == 20
    assert histogram.percentile(75) == 0.0015


def test_nothing_observed_has_no_percentiles() -> None:
    assert Histogram(NAME, {}, {}).percentile(50) is None
    assert Histogram(NAME, scrape(1, 2, 3, 4), scrape(1, 2, 3, 4)).percentile(50) is None
