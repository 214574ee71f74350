"""Which packet was seen, and when: what tells exactly which were lost."""

import struct
from array import array

import numpy as np
from numpy.typing import NDArray

MILLISECOND_NS = 1_000_000

_VOICE = struct.Struct(">BBHIIIQ100x")
_VERSION_2, _PAYLOAD_TYPE = 0x80, 111

_CALL_SHIFT = np.uint64(32)

Keys = NDArray[np.uint64]


def voice(call: int, number: int, ssrc: int) -> bytes:
    """A voice packet's worth of RTP that says of which call it is, and its number there."""
    sequence, timestamp = number & 0xFFFF, 960 * number & 0xFFFFFFFF
    return _VOICE.pack(_VERSION_2, _PAYLOAD_TYPE, sequence, timestamp, ssrc, call, number)


def read_voice(packet: bytes) -> tuple[int, int]:
    """The call and the number. Raises struct.error for any other packet."""
    *_rtp, call, number = _VOICE.unpack(packet)
    return call, number


class PacketLog:
    """Packets in the order seen. Its times are `time.monotonic_ns`, one clock for all processes."""

    def __init__(self, encoded: bytes = b"") -> None:
        self._rows = array("Q", encoded)

    def note(self, call: int, number: int, at_ns: int) -> None:
        # At once: another thread may read meanwhile.
        self._rows.extend((call << 32 | number, at_ns))

    def encode(self) -> bytes:
        """For another process of this machine."""
        return self._rows.tobytes()

    def copy(self) -> "PacketLog":
        """As it is at the moment."""
        return PacketLog(self.encode())

    def __len__(self) -> int:
        return len(self._rows) // 2

    @property
    def keys(self) -> Keys:
        """One number a packet, equal in all logs that saw it."""
        return self._table[:, 0]

    @property
    def times_ns(self) -> Keys:
        return self._table[:, 1]

    @property
    def duplicates(self) -> int:
        return len(self) - len(np.unique(self.keys))

    def since(self, at_ns: int) -> "PacketLog":
        """The packets seen at that time or later."""
        table = self._table
        return PacketLog(table[table[:, 1] >= at_ns].tobytes())

    def until(self, at_ns: int) -> "PacketLog":
        table = self._table
        return PacketLog(table[table[:, 1] < at_ns].tobytes())

    def of(self, calls: set[int]) -> "PacketLog":
        table = self._table
        chosen = np.isin(table[:, 0] >> _CALL_SHIFT, np.array(sorted(calls), np.uint64))
        return PacketLog(table[chosen].tobytes())

    def missing_from(self, arrived: "PacketLog") -> "PacketLog":
        """Those of these packets that are not in the other log: lost between the two."""
        table = self._table
        return PacketLog(table[~np.isin(table[:, 0], arrived.keys)].tobytes())

    def first_of_each_call(self) -> dict[int, int]:
        """When each call's first packet was seen."""
        return _first_of_each_call(self._table)

    def last_of_each_call(self) -> dict[int, int]:
        return _first_of_each_call(self._table[::-1])

    def delays_ms(self, arrived: "PacketLog") -> NDArray[np.float64]:
        """From here to the other log, for each packet that is in both."""
        _keys, here, there = np.intersect1d(self.keys, arrived.keys, return_indices=True)
        delays: NDArray[np.float64] = (
            arrived.times_ns[there].astype(np.int64) - self.times_ns[here].astype(np.int64)
        ) / MILLISECOND_NS
        return delays

    def longest_silence_ms(self) -> float:
        """The longest time in which no packet of any call was seen."""
        return float(np.diff(np.sort(self.times_ns)).max(initial=0)) / MILLISECOND_NS

    @property
    def _table(self) -> Keys:
        """A copy, one row a packet: the log may be growing."""
        return np.frombuffer(self._rows.tobytes(), np.uint64).reshape(-1, 2)


def _first_of_each_call(table: Keys) -> dict[int, int]:
    calls, at = np.unique(table[:, 0] >> _CALL_SHIFT, return_index=True)
    return dict(zip(calls.tolist(), table[at, 1].tolist(), strict=True))
