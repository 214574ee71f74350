"""Reads the RTP timestamps of one stream as samples at the engine's rate."""

_TIMESTAMPS = 1 << 32
_HALF = 1 << 31


class SenderClock:
    """The sender's clock: it knows where the next packet is expected.

    A part of a sample, as timestamps that no sample falls on leave it, counts towards the
    next gap: over hours nothing is lost to rounding.
    """

    __slots__ = ("_clock_rate", "_fraction", "_rate", "last_duration", "next_timestamp")

    def __init__(self, clock_rate: int, rate: int) -> None:
        """`clock_rate` is the timestamps' ticks a second, `rate` the samples a second."""
        self._clock_rate = clock_rate
        self._rate = rate
        self._fraction = 0
        """Of a sample, in parts of the clock rate."""
        self.next_timestamp: int | None = None
        """Of the packet that would follow without a gap; None before the first."""
        self.last_duration = 0
        """Ticks of the last packet; 0 before the first."""

    def reset(self) -> None:
        """Another stream begins."""
        self.next_timestamp = None
        self._fraction = self.last_duration = 0

    def is_past(self, timestamp: int) -> bool:
        """Whether the time was reached before."""
        if self.next_timestamp is None:
            return False
        return (timestamp - self.next_timestamp) % _TIMESTAMPS >= _HALF

    def jump(self, timestamp: int) -> int:
        """Go on at `timestamp`; returns the samples that lie between. Back or at the start: 0."""
        expected, self.next_timestamp = self.next_timestamp, timestamp
        if expected is None:
            return 0
        ticks = (timestamp - expected + _HALF) % _TIMESTAMPS - _HALF
        if ticks * self._rate <= -self._clock_rate:
            return 0
        # Less than a sample back is what rounding does.
        scaled = ticks * self._rate + self._fraction
        samples = max(0, scaled // self._clock_rate)
        self._fraction = scaled - samples * self._clock_rate
        return samples

    def advance(self, samples: int) -> None:
        """Let time pass, once there was a first packet."""
        assert self.next_timestamp is not None
        ticks, rest = divmod(samples * self._clock_rate - self._fraction, self._rate)
        self._fraction = -rest
        self.last_duration = ticks
        self.next_timestamp = (self.next_timestamp + ticks) % _TIMESTAMPS
