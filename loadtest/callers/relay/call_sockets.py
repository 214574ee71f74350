"""Sockets and rows for calls: one each, so that every call is a flow of its own."""

import resource
import select
import socket
from collections import deque
from itertools import cycle

from loadtest.callers.address import Address
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.relay.call_loop import CallLoop, new_loop
from loadtest.measures.names import Failure

REST_S = 5.0
"""How long a socket stays open behind its call, and its row unused: the port is then nobody
else's while packets for it may be on their way."""
OTHER_FILES = 256
"""Open files that are left to all else in this process."""
MAX_CALLS = 65_536


class CallSockets:
    """Opens and closes them; the loop hears them all."""

    def __init__(self, addresses: tuple[str, ...], now_ns: int) -> None:
        """`addresses`: of this host, to call from in turn; any unless given."""
        limit = _raise_file_limit()
        calls = max(1, min(limit - OTHER_FILES, MAX_CALLS))
        self.loop: CallLoop = new_loop(calls, limit, now_ns)
        self.epoll = select.epoll()
        self._addresses = cycle(addresses or ("",))
        self._free = deque(range(calls))
        self._resting: deque[tuple[float, int, socket.socket]] = deque()

    def open(self, relay: Address, now: float) -> tuple[int, socket.socket]:
        """A row, and a socket that hears `relay` alone. Raises FailedCallError."""
        self._wake(now)
        if not self._free:
            text = "no socket is left: raise the limit of open files (ulimit -n)"
            raise FailedCallError(Failure.CALLER_DEFECT, text)
        opened = socket.socket(_family(relay), socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            if address := next(self._addresses):
                opened.bind((address, 0))
            opened.connect(relay)
            self.epoll.register(opened.fileno(), select.EPOLLIN)
        except OSError as error:
            opened.close()
            text = error.strerror or str(error)
            raise FailedCallError(Failure.CALLER_DEFECT, text) from error
        row = self._free.popleft()
        self.loop.call_of[opened.fileno()] = row
        return row, opened

    def rest(self, row: int, opened: socket.socket, now: float) -> None:
        """A call is over."""
        self.epoll.unregister(opened.fileno())
        self._resting.append((now + REST_S, row, opened))

    def close(self) -> None:
        for _until, _row, opened in self._resting:
            opened.close()
        self._resting.clear()
        self.epoll.close()

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            _until, row, opened = self._resting.popleft()
            opened.close()
            self._free.append(row)


def _family(relay: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in relay[0] else socket.AF_INET


def _raise_file_limit() -> int:
    """How many files this process may have open, once that is as many as it is allowed."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = min(hard, 1 << 20) if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
