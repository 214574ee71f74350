"""What came back to a client: when the kernel had each packet, and which frame it carries."""

import math
from array import array
from collections.abc import Iterator
from itertools import pairwise

_TIMESTAMPS, _SEQUENCES = 1 << 32, 1 << 16
TICKS_PER_SECOND = 48_000


class Arrivals:
    """The RTP packets of one stream in the order of arrival, while `recording`."""

    def __init__(self) -> None:
        self.recording = False
        self.received = 0
        self.first_ns: int | None = None
        """When the stream's first packet came, recorded or not."""
        self._arrived_ns = array("q")
        self._timestamps = array("q")
        self._sequences = array("q")

    def __len__(self) -> int:
        """Packets recorded."""
        return len(self._arrived_ns)

    def note(self, packet: bytes, arrived_ns: int) -> None:
        """`packet` starts with an RTP header, which SRTP leaves in the clear."""
        self.received += 1
        if self.first_ns is None:
            self.first_ns = arrived_ns
        if self.recording:
            self._arrived_ns.append(arrived_ns)
            self._sequences.append(packet[2] << 8 | packet[3])
            self._timestamps.append(int.from_bytes(packet[4:8], "big"))

    def start(self) -> None:
        """Record from here on, and forget what was recorded."""
        for column in (self._arrived_ns, self._timestamps, self._sequences):
            del column[:]
        self.recording = True

    @property
    def lost(self) -> int:
        """Sequence numbers between the lowest and the highest recorded that did not come."""
        return sum(self._losses())

    @property
    def longest_loss(self) -> int:
        """Of those, the most that follow one another."""
        return max(self._losses(), default=0)

    def longest_gap_seconds(self, now_ns: int) -> float:
        """The longest time without a packet, from the first one recorded until `now_ns`."""
        ends = [*self._arrived_ns[1:], now_ns]
        gaps = [end - start for start, end in zip(self._arrived_ns, ends, strict=True)]
        return max(gaps, default=math.inf) / 1e9

    def silent_seconds(self, now_ns: int) -> float:
        """How long ago the last one recorded came."""
        return (now_ns - self._arrived_ns[-1]) / 1e9 if self._arrived_ns else math.inf

    def lateness_seconds(self) -> list[float]:
        """How much later each packet came than the promptest one, by its RTP timestamp.

        Frames lie on a grid of 20 ms by their timestamps: one that leaves on time comes as long
        after the first as its timestamp says.
        """
        if not self._arrived_ns:
            return []
        origin_ns, origin = self._arrived_ns[0], self._timestamps[0]
        offsets = [
            (arrived_ns - origin_ns) / 1e9
            - _signed(timestamp - origin, _TIMESTAMPS) / TICKS_PER_SECOND
            for arrived_ns, timestamp in self._rows()
        ]
        promptest = min(offsets)
        return [offset - promptest for offset in offsets]

    def _losses(self) -> list[int]:
        """How many are missing between two that came, in the order of their numbers."""
        if not self._sequences:
            return []
        first = self._sequences[0]
        came = sorted({_signed(each - first, _SEQUENCES) for each in self._sequences})
        return [later - earlier - 1 for earlier, later in pairwise(came)]

    def _rows(self) -> Iterator[tuple[int, int]]:
        return zip(self._arrived_ns, self._timestamps, strict=True)


def _signed(difference: int, modulus: int) -> int:
    """The difference of two counters that wrap at `modulus`, from -modulus / 2 up."""
    return (difference + modulus // 2) % modulus - modulus // 2
