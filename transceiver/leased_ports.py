"""Extra ports of relays, leased for phones that the public port cannot tell apart.

The core of "leased ports" in docs/wire/tunnel.md: it asks relay workers for ports, keeps and
names what they are to let through, and says which frames are due; `tunnel_endpoint` sends
them. A port belongs to the relay worker that gave it, so its packets take no other way.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, port_payload
from antiphon_proto.tunnel_control import Lease, Leased, Release, control_frame
from transceiver.leased_port import LeasedPort, PortState
from transceiver.relay_directory import blended

LIFETIME_S = 30
"""How long a relay worker keeps a port for us that is not asked for again."""

REFRESH_S = 10.0
"""How often it is: two requests may be lost in a row."""

ASK_AGAIN_S = 0.15
"""How soon a request is repeated that has no answer."""

ASKED_TIMES = 3
"""Requests to one relay worker before the next one is asked."""

MAX_ASKED = 8
"""Relay workers that are asked for one port."""

REFUSED_S = 2.0
"""How long a relay worker that had no port is asked last."""

MAX_LEASES = 4096

ANYBODY: Address = ("0.0.0.0", 0)  # noqa: S104
"""A source that lets everybody through."""

SendFrame = Callable[[Frame, Address], None]
"""Sends a frame that is no control frame to a relay worker."""


class LeasedPortsFullError(Exception):
    """This worker has as many leases as it may."""


class LeaseOutcome(Enum):
    """The value is also a metric label."""

    GRANTED = "granted"
    """A call has a phone port."""
    REFUSED = "refused"
    """No relay worker that answers had one left."""
    LOST = "lost"
    """A relay worker no longer has one that it had given: its phone is cut off."""


class LeasedPorts:
    """The leases of one worker. Hand it answers and the time, then drain `take_frames`."""

    def __init__(
        self,
        *,
        new_id: Callable[[], int],
        answering: Callable[[], Iterable[Address]],
        send: SendFrame,
    ) -> None:
        """`new_id` draws 64 unpredictable bits; `answering` names relay workers that may be
        asked; `send` is for the phones' packets."""
        self.outcomes: Counter[LeaseOutcome] = Counter()
        self.strays = 0
        """Datagrams of ports that are not, or no longer, leased."""
        self._new_id = new_id
        self._answering = answering
        self._send = send
        self._leases: dict[int, LeasedPort] = {}
        self._by_port: dict[tuple[Address, int], LeasedPort] = {}
        self._refused_until: dict[Address, float] = {}
        self._frames: list[tuple[Frame, Address]] = []
        self._due_at = math.inf
        self._now = 0.0

    def __len__(self) -> int:
        """The leases asked for and held."""
        return len(self._leases)

    @property
    def held(self) -> int:
        return len(self._by_port)

    def lease(
        self,
        source: str | None,
        *,
        on_datagram: Callable[[bytes, Address, float], None],
        on_settled: Callable[[LeasedPort], None],
        now: float,
    ) -> LeasedPort:
        """Ask for a port that hears `source`, a host, on any of its ports; None: anybody, for a
        phone whose packets are authenticated.

        `on_datagram` takes its packets, the address that each came from, and now. `on_settled`
        is told when the port is held, and when it is gone but for a `release`; the latter even
        before this returns. Raises LeasedPortsFullError.
        """
        if len(self._leases) >= MAX_LEASES:
            raise LeasedPortsFullError
        self._now = max(self._now, now)
        sources = (ANYBODY,) if source is None else ((source, 0),)
        port = LeasedPort(self, self._new_id(), sources, on_datagram, on_settled)
        self._leases[port.id] = port
        self._ask_next(port)
        return port

    def take_frames(self) -> list[tuple[Frame, Address]]:
        """Control frames to send since the last call, each with its relay worker, in order."""
        leaving, self._frames = self._frames, []
        return leaving

    def tick(self, now: float) -> None:
        """Repeat what was not answered, and refresh what is held; about every 50 ms."""
        self._now = now
        if now < self._due_at:
            return
        for port in [port for port in self._leases.values() if port.due_at <= now]:
            self._repeat(port)
        self._due_at = min((port.due_at for port in self._leases.values()), default=math.inf)

    def answered(self, relay: Address, leased: Leased, now: float) -> None:
        """A relay worker's LEASED."""
        self._now = now
        port = self._leases.get(leased.id)
        if port is None or port.relay != relay:
            return
        if leased.address[1]:
            self._hold(port, relay, leased.address)
        elif port.state is PortState.HELD:
            self.outcomes[LeaseOutcome.LOST] += 1
            self._settle_gone(port)
        else:
            self._refused_until[relay] = now + REFUSED_S
            self._ask_next(port)

    def returned(self, relay: Address) -> None:
        """A relay worker has forgotten everything: it gave these ports, and is to again."""
        for port in self._leases.values():
            if port.relay == relay and port.state is PortState.HELD:
                self._ask(port)

    def receive(
        self, relay: Address, port: int, datagram: bytes, client: Address, now: float
    ) -> None:
        """A relay worker's port received a datagram from `client`."""
        held = self._by_port.get((relay, port))
        if held is None:
            self.strays += 1
        else:
            held.on_datagram(datagram, client, now)

    # For LeasedPort, as its Lessor.

    def change(self, port: LeasedPort, sources: tuple[Address, ...]) -> None:
        """Let other sources through, from before what is sent next."""
        port.sources = sources
        if port.state is PortState.HELD:
            port.asked = 0
            self._ask(port)

    def send(self, port: LeasedPort, datagram: bytes, client: Address) -> None:
        if port.relay is not None and port.address is not None:
            payload = port_payload(port.address[1], datagram)
            self._send(Frame(FrameType.PORT_DATA, client, payload), port.relay)

    def release(self, port: LeasedPort) -> None:
        if self._leases.pop(port.id, None) is not None:
            self._withdraw(port)
            self._forget(port)

    # A lease's way.

    def _repeat(self, port: LeasedPort) -> None:
        if port.asked < ASKED_TIMES:
            self._ask(port)
        elif port.state is PortState.HELD:
            # It may be restarting: `returned` will tell.
            port.asked, port.due_at = 0, self._now + REFRESH_S
        else:
            self._withdraw(port)
            self._ask_next(port)

    def _ask_next(self, port: LeasedPort) -> None:
        """Ask another relay worker, or give up."""
        relay = next(self._candidates(port), None)
        if relay is None or len(port.tried) >= MAX_ASKED:
            self.outcomes[LeaseOutcome.REFUSED] += 1
            self._settle_gone(port)
            return
        port.tried.add(relay)
        port.relay, port.asked = relay, 0
        self._ask(port)

    def _candidates(self, port: LeasedPort) -> Iterator[Address]:
        """In an order of this lease's own, those that lately had none behind the others."""

        def order(relay: Address) -> tuple[bool, bytes]:
            refused = self._refused_until.get(relay, 0.0) > self._now
            return refused, blended(port.id.to_bytes(8, "big"), relay)

        return iter(sorted(set(self._answering()) - port.tried, key=order))

    def _ask(self, port: LeasedPort) -> None:
        if port.relay is None:
            return
        wanted = 0 if port.address is None else port.address[1]
        port.asked += 1
        port.due_at = self._now + ASK_AGAIN_S
        self._due_at = min(self._due_at, port.due_at)
        self._tell(Lease(port.id, LIFETIME_S, wanted, port.sources), port.relay)

    def _hold(self, port: LeasedPort, relay: Address, address: Address) -> None:
        port.asked, port.due_at = 0, self._now + REFRESH_S
        if port.state is PortState.HELD:
            return
        port.state, port.address = PortState.HELD, address
        self._by_port[relay, address[1]] = port
        self.outcomes[LeaseOutcome.GRANTED] += 1
        port.on_settled(port)

    def _withdraw(self, port: LeasedPort) -> None:
        """Tell the relay worker, which may have given it by now."""
        if port.relay is not None:
            self._tell(Release(port.id), port.relay)

    def _tell(self, message: Lease | Release, relay: Address) -> None:
        self._frames.append((control_frame(message), relay))

    def _settle_gone(self, port: LeasedPort) -> None:
        self._leases.pop(port.id, None)
        self._forget(port)
        port.on_settled(port)

    def _forget(self, port: LeasedPort) -> None:
        port.state = PortState.GONE
        if port.relay is not None and port.address is not None:
            self._by_port.pop((port.relay, port.address[1]), None)
