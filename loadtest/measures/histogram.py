"""Latencies as HDR histograms: three significant digits from 1 us to an hour, merged exactly."""

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from hdrh.codec import (
    HdrCookieException,
    HdrHistogramEncoder,
    HdrLengthException,
    ext_header_size,
    payload_header_size,
)
from hdrh.histogram import HdrHistogram

_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 3_600_000_000, 3
_BUCKET_BITS = 10
"""Values share a slot with those that have the same topmost bits: one more than so many."""
_SLOTS: int = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS).counts_len

Slots = npt.NDArray[np.int64] | np.int64

_MOST_UNPACKED: int = payload_header_size + 9 * _SLOTS
"""A count takes 9 bytes at the most."""
_MOST_COUNTED = 1 << 53
"""Of all values; sums of histograms stay far from what 64 bits hold."""

_DECODING_ERRORS = (
    HdrCookieException,
    HdrLengthException,
    IndexError,
    OverflowError,
    MemoryError,
    ValueError,
    struct.error,
    zlib.error,
)


class Histogram:
    """Of seconds at the outside, of whole microseconds within (http://hdrhistogram.org)."""

    def __init__(self) -> None:
        self._counts = np.zeros(_SLOTS, np.int64)
        self._count = 0

    @property
    def count(self) -> int:
        return self._count

    def record(self, seconds: float, count: int = 1) -> None:
        """Values below 1 us count as 1 us, those above an hour as an hour."""
        microseconds = max(_LOWEST_US, min(_HIGHEST_US, round(seconds * 1e6)))
        bucket = max(0, microseconds.bit_length() - _BUCKET_BITS - 1)
        self._counts[(bucket << _BUCKET_BITS) + (microseconds >> bucket)] += count
        self._count += count

    def record_many(self, seconds: Iterable[float]) -> None:
        """Also takes a numpy array; cheaper than one by one."""
        values = (
            np.asarray(seconds, float)
            if isinstance(seconds, np.ndarray)
            else np.fromiter(seconds, float)
        )
        if not len(values):
            return
        slots = np.bincount(_slots(values))
        self._counts[: len(slots)] += slots
        self._count += len(values)

    def add(self, other: "Histogram") -> None:
        self._counts += other._counts
        self._count += other._count

    def percentile(self, percent: float) -> float | None:
        """Seconds; None where nothing was recorded."""
        if not self._count:
            return None
        rank = max(1, int(min(percent, 100.0) * self._count / 100 + 0.5))
        return float(_upper_seconds(np.searchsorted(np.cumsum(self._counts), rank)))

    @property
    def mean(self) -> float | None:
        if not self._count:
            return None
        slots = np.flatnonzero(self._counts)
        lower, width = _lower_us(slots), _width_us(slots)
        total = np.dot(lower + width // 2, self._counts[slots].astype(float))
        return float(total / self._count / 1e6)

    @property
    def maximum(self) -> float | None:
        return float(_upper_seconds(self._last_slot())) if self._count else None

    def cumulative(self) -> Iterator[tuple[float, float]]:
        """(seconds, share of values up to there), where values are: what a CDF is drawn of."""
        slots = np.flatnonzero(self._counts)
        shares = np.cumsum(self._counts[slots]) / max(1, self._count)
        yield from zip(_upper_seconds(slots).tolist(), shares.tolist(), strict=True)

    def encode(self) -> bytes:
        """HdrHistogram's V2 compressed form, in base64, which its other tools read."""
        hdr = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)
        np.ctypeslib.as_array(hdr.counts)[:] = self._counts
        hdr.total_count = self._count
        hdr.max_value = int(_lower_us(self._last_slot())) if self._count else 0
        encoded: bytes = hdr.encode()
        # The two know each other: memory would fill up until the next collection.
        hdr.encoder.histogram = None
        return encoded

    @classmethod
    def decode(cls, encoded: bytes) -> "Histogram":
        """Raises ValueError."""
        try:
            _check_size(encoded)
            payload = HdrHistogramEncoder.decode(encoded)
            header = payload.payload
            if (
                header.lowest_trackable_value != _LOWEST_US
                or header.highest_trackable_value != _HIGHEST_US
                or header.significant_figures != _DIGITS
            ):
                raise ValueError("not from 1 us to an hour by three digits")
            payload.init_counts(_SLOTS)
        except _DECODING_ERRORS as error:
            raise ValueError(f"no histogram: {str(error) or type(error).__name__}") from error
        histogram = cls()
        counts = np.ctypeslib.as_array(payload.get_counts()).view(np.int64)
        if not 0 <= counts.min() <= counts.max() <= _MOST_COUNTED // _SLOTS:
            raise ValueError("no histogram: a count is below 0, or beyond all bounds")
        histogram._counts, histogram._count = counts, int(counts.sum())
        return histogram

    def _last_slot(self) -> np.int64:
        slot: np.int64 = np.flatnonzero(self._counts)[-1]
        return slot


def _check_size(encoded: bytes) -> None:
    """Unpack no more than a histogram can be, which the library would do. Raises ValueError."""
    unpacking = zlib.decompressobj()
    unpacking.decompress(base64.b64decode(encoded)[ext_header_size:], _MOST_UNPACKED)
    if not unpacking.eof:
        raise ValueError("cut short, or larger than a histogram can be")


def _upper_seconds(slots: Slots) -> npt.NDArray[np.float64]:
    """The highest value that shares a slot, which HDR histograms say for all of them."""
    upper: npt.NDArray[np.float64] = (
        np.minimum(_HIGHEST_US, _lower_us(slots) + _width_us(slots) - 1) / 1e6
    )
    return upper


def _slots(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Indices into the counts, as HdrHistogram lays them out."""
    microseconds = np.clip(np.rint(seconds * 1e6), _LOWEST_US, _HIGHEST_US)
    bits = np.frexp(microseconds)[1].astype(np.int64)
    buckets = np.maximum(0, bits - _BUCKET_BITS - 1)
    slots: npt.NDArray[np.int64] = (buckets << _BUCKET_BITS) + (
        microseconds.astype(np.int64) >> buckets
    )
    return slots


def _bucket(slots: Slots) -> npt.NDArray[np.int64]:
    buckets: npt.NDArray[np.int64] = np.maximum(0, (slots >> _BUCKET_BITS) - 1)
    return buckets


def _lower_us(slots: Slots) -> npt.NDArray[np.int64]:
    buckets = _bucket(slots)
    lower: npt.NDArray[np.int64] = (slots - (buckets << _BUCKET_BITS)) << buckets
    return lower


def _width_us(slots: Slots) -> npt.NDArray[np.int64]:
    width: npt.NDArray[np.int64] = np.int64(1) << _bucket(slots)
    return width
