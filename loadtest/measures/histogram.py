"""Latencies as HDR histograms: three significant digits from 1 us to an hour, merged exactly."""

from collections.abc import Iterable, Iterator


class Histogram:
    """Of seconds at the outside, of whole microseconds within (http://hdrhistogram.org)."""

    def __init__(self) -> None:
        raise NotImplementedError

    @property
    def count(self) -> int:
        raise NotImplementedError

    def record(self, seconds: float, count: int = 1) -> None:
        """Values below 1 us count as 1 us, those above an hour as an hour."""
        raise NotImplementedError

    def record_many(self, seconds: Iterable[float]) -> None:
        """Also takes a numpy array; cheaper than one by one."""
        raise NotImplementedError

    def add(self, other: "Histogram") -> None:
        raise NotImplementedError

    def percentile(self, percent: float) -> float | None:
        """Seconds; None where nothing was recorded."""
        raise NotImplementedError

    @property
    def mean(self) -> float | None:
        raise NotImplementedError

    @property
    def maximum(self) -> float | None:
        raise NotImplementedError

    def cumulative(self) -> Iterator[tuple[float, float]]:
        """(seconds, share of values up to there), where values are: what a CDF is drawn of."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """HdrHistogram's V2 compressed form, in base64, which its other tools read."""
        raise NotImplementedError

    @classmethod
    def decode(cls, encoded: bytes) -> "Histogram":
        """Raises ValueError."""
        raise NotImplementedError
