"""The UDP socket of a call. The kernel stamps what comes, so that a process that reads it late
does not take that for lateness of the server."""

import socket
import struct
import time

from loadtest.callers.address import Address

RECEIVE_BYTES = 2048
BUFFER_BYTES = 1 << 18

_SO_TIMESTAMPNS = 35
"""https://www.kernel.org/doc/html/latest/networking/timestamping.html"""
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = 64


class KernelClock:
    """How far the kernel's stamps, by the time of day, are behind `time.monotonic`."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self.adjust()

    def adjust(self) -> None:
        """Now and then: the time of day is set now and then."""
        # Whoever is interrupted between the two reads too little.
        self.offset_s = max(time.monotonic() - time.time() for _attempt in range(3))


class MediaSocket:
    """Bound to a port of its own, which takes datagrams from one peer once it is known.

    The kernel is not told of the peer: a connected socket hears of a port that is closed for a
    moment, and libuv then stops to watch it for good (`uv__poll_io`, on POLLERR).
    """

    def __init__(self, clock: KernelClock, host: str, *, ipv6: bool = False) -> None:
        """Raises OSError."""
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((host, 0))
        self._receive = self._socket.recvmsg
        self._send = self._socket.sendto
        self._clock = clock
        self._peer: Address | None = None

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def fileno(self) -> int:
        return self._socket.fileno()

    def connect(self, address: Address) -> None:
        """Hear nobody else from here on."""
        self._peer = address

    def send_to(self, datagram: bytes, address: Address) -> None:
        """What cannot be sent is lost, as by a network."""
        try:
            self._send(datagram, address)
        except OSError:
            return

    def receive(self) -> tuple[bytes, float, Address] | None:
        """A datagram, when it came by `time.monotonic`, and from where; None: there is none."""
        while True:
            try:
                datagram, ancillary, _flags, source = self._receive(RECEIVE_BYTES, _ANCILLARY_BYTES)
            except OSError:
                return None
            sender = source[:2]
            if self._peer is not None and sender != self._peer:
                continue
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            arrived_at = seconds + nanoseconds * 1e-9 + self._clock.offset_s
            return datagram, arrived_at, sender

    def close(self) -> None:
        self._socket.close()
