"""One call's extra port at a relay, as the call has it."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from antiphon_proto.address import Address


class PortState(Enum):
    """Where a lease stands."""

    ASKED = "asked"
    HELD = "held"
    GONE = "gone"
    """Refused, given back by the relay, or released."""


class Lessor(Protocol):
    """Who sees to a worker's leases: `LeasedPorts`."""

    def change(self, port: "LeasedPort", sources: tuple[Address, ...]) -> None:
        """Let other sources through, from before what is sent next."""
        ...

    def send(self, port: "LeasedPort", datagram: bytes, client: Address) -> None:
        """Send from the port, which is held."""
        ...

    def release(self, port: "LeasedPort") -> None: ...


class LeasedPort:
    """One call's port at a relay, from when it is asked for.

    Nothing is sent to anybody before `latch` says where the phone is.
    """

    def __init__(
        self,
        lessor: Lessor,
        id_: int,
        sources: tuple[Address, ...],
        on_datagram: Callable[[bytes, Address, float], None],
        on_settled: Callable[["LeasedPort"], None],
    ) -> None:
        self.id = id_
        self.sources = sources
        """What the relay lets through."""
        self.state = PortState.ASKED
        self.address: Address | None = None
        """Where the phone is to send to, once held; an unspecified host stands for the one at
        which clients reach the relay."""
        self.relay: Address | None = None
        """The relay worker that is asked, or has given it."""
        self.on_datagram = on_datagram
        self.on_settled = on_settled
        self.asked = 0
        """Requests since the last answer."""
        self.due_at = 0.0
        """When it is asked for again."""
        self.tried: set[Address] = set()
        """Relay workers that were asked."""
        self._lessor = lessor

    def latch(self, client: Address) -> None:
        """The phone sends from here: it is sent to, and heard whatever others send.

        Its host's other ports are still heard, for RTCP and for a NAT that changes its mind.
        """
        if client not in self.sources:
            self._lessor.change(self, (client, (client[0], 0)))

    def send(self, datagram: bytes, client: Address) -> None:
        """Send from the port, where the phone was found to be; else it is dropped."""
        if self.state is PortState.HELD and client in self.sources:
            self._lessor.send(self, datagram, client)

    def release(self) -> None:
        """Give it back; harmless when it is gone."""
        self._lessor.release(self)
