"""The way between a call and its server: a socket, what a network does, and address changes."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable

from loadtest.callers.address import Address
from loadtest.callers.impairment import Impairment
from loadtest.callers.media_socket import KernelClock, MediaSocket
from loadtest.scenario.scenario import Network

_NEVER = float("inf")


class NetworkPath:
    """Packets may take their time on it both ways, or be taken by it."""

    def __init__(
        self,
        clock: KernelClock,
        hosts: tuple[str, ...],
        network: Network,
        chance: random.Random,
    ) -> None:
        """`hosts` are the addresses that it may move between. Raises OSError."""
        self._clock = clock
        self._hosts = deque(hosts)
        self._chance = chance
        self._readable: Callable[[], None] | None = None
        self._dropped: Callable[[bytes], None] = lambda _datagram: None
        self._socket = MediaSocket(clock, hosts[0], ipv6=":" in hosts[0])
        self._to: Address | None = None
        self._uplink = _impairment(network, chance)
        self._downlink = _impairment(network, chance)
        self._timer: asyncio.TimerHandle | None = None
        self._rebind_s, self._move_s = network.rebind_seconds, network.move_seconds
        now = time.monotonic()
        self._rebind_at, self._move_at = (
            self._after(self._rebind_s, now),
            self._after(self._move_s, now),
        )

    @property
    def port(self) -> int:
        return self._socket.port

    @property
    def impaired(self) -> bool:
        """Whether what comes may have to be asked for again, later."""
        return not self._downlink.transparent

    def listen(self, readable: Callable[[], None]) -> None:
        """Have it called whenever there is something to `receive`."""
        self._readable = readable
        asyncio.get_running_loop().add_reader(self._socket.fileno(), readable)

    def on_dropped(self, dropped: Callable[[bytes], None]) -> None:
        """Who is told what was to be received, and was taken on purpose."""
        self._dropped = dropped

    def connect(self, address: Address) -> None:
        """Talk with nobody else from here on."""
        self._to = address
        self._socket.connect(address)

    def send(self, datagram: bytes, to: Address) -> bool:
        """False: it was lost on purpose."""
        if self._uplink.transparent:
            self._socket.send_to(datagram, to)
            return True
        return self._send_impaired(datagram, to)

    def receive(self) -> tuple[bytes, float, Address] | None:
        """A datagram, when it came by `time.monotonic`, and from where; None: there is none."""
        if self._downlink.transparent:
            return self._socket.receive()
        while (received := self._socket.receive()) is not None:
            datagram, arrived_at, source = received
            if not self._downlink.pass_on((datagram, source), arrived_at):
                self._dropped(datagram)
        through = self._downlink.due_next(time.monotonic())
        if through is None:
            return None
        at, (datagram, source) = through
        return datagram, at, source

    def change_address(self, now: float) -> str:
        """Where it is time to: `rebind`, `move`, or nothing. The server is not told."""
        if now >= self._move_at:
            self._move_at = self._after(self._move_s, now)
            self._hosts.rotate(-1)
            self._rebind()
            return "move"
        if now >= self._rebind_at:
            self._rebind_at = self._after(self._rebind_s, now)
            self._rebind()
            return "rebind"
        return ""

    def close(self) -> None:
        """What is still on its way is lost."""
        if self._timer is not None:
            self._timer.cancel()
        self._close_socket()

    def _close_socket(self) -> None:
        if self._readable is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _rebind(self) -> None:
        host = self._hosts[0]
        try:
            fresh = MediaSocket(self._clock, host, ipv6=":" in host)
        except OSError:
            return  # An address that is gone: the call stays where it is.
        self._close_socket()
        self._socket = fresh
        if self._readable is not None:
            self.listen(self._readable)
        if self._to is not None:
            fresh.connect(self._to)

    def _after(self, mean_s: float | None, now: float) -> float:
        return _NEVER if mean_s is None else now + self._chance.expovariate(1 / mean_s)

    def _send_impaired(self, datagram: bytes, to: Address) -> bool:
        if not self._uplink.pass_on((datagram, to), time.monotonic()):
            return False
        self._flush()
        return True

    def _flush(self) -> None:
        """Send what is through, and come back for what is not yet."""
        for _at, (datagram, to) in self._uplink.due(time.monotonic()):
            self._socket.send_to(datagram, to)
        if self._timer is not None:
            self._timer.cancel()
        next_at = self._uplink.next_at
        if next_at is not None:
            wait = max(next_at - time.monotonic(), 0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._flush)


def _impairment(network: Network, chance: random.Random) -> Impairment[tuple[bytes, Address]]:
    return Impairment(network, random.Random(chance.getrandbits(64)))  # noqa: S311 - repeatable
