"""A long cable between two hosts: what goes in at one end comes out of the other one later.

    python -m tests.e2e.regions.delay_line DESCRIPTOR DESCRIPTOR MILLISECONDS

The ends are TUN devices, each in a network namespace of its own; `open_end` makes one.
"""

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

from tests.e2e.namespaces import Namespace

DEVICE = "cable"
_TUN = "/dev/net/tun"
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_TUNSETIFF = 0x400454CA
"""https://docs.kernel.org/networking/tuntap.html"""
_LARGEST = 65_536
_MAX_WAITING = 10_000
"""Packets on their way in a direction; of more the newest are lost."""


class DelayLine:
    """One direction."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._waiting: deque[tuple[float, bytes]] = deque()

    def enter(self, packet: bytes, now: float) -> None:
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append((now + self._delay_s, packet))

    def leave(self, now: float) -> bytes | None:
        """The next packet that has arrived, in the order in which they came."""
        if self._waiting and self._waiting[0][0] <= now:
            return self._waiting.popleft()[1]
        return None

    def wait_s(self, now: float) -> float | None:
        """How long until the next one arrives; None where none is on its way."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None


def open_end(namespace: Namespace, here: str, there: str) -> int:
    """The descriptor of an end, which in `namespace` is the device DEVICE with the address
    `here`, and leads to `there`."""
    with namespace.entered():
        end = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN_NO_PI))
    namespace.ip(f"address add {here} peer {there} dev {DEVICE}", f"link set {DEVICE} up")
    return end


def carry(ends: tuple[int, int], delay_s: float) -> None:
    """Carry packets both ways, for ever."""
    one, other = ends
    directions = {one: (DelayLine(delay_s), other), other: (DelayLine(delay_s), one)}
    while True:
        now = time.monotonic()
        for line, out in directions.values():
            while (packet := line.leave(now)) is not None:
                _write(out, packet)
        waits = [wait for line, _ in directions.values() if (wait := line.wait_s(now)) is not None]
        readable, _, _ = select.select(ends, (), (), min(waits, default=None))
        now = time.monotonic()
        for end in readable:
            directions[end][0].enter(os.read(end, _LARGEST), now)


def _write(end: int, packet: bytes) -> None:
    try:
        os.write(end, packet)
    except OSError:
        return  # Lost, as where a cable ends at a host that is down.


if __name__ == "__main__":
    first, second, milliseconds = map(int, sys.argv[1:])
    carry((first, second), milliseconds / 1000)
