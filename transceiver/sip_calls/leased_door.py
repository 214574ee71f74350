"""A relay's port that is leased for one call, and the call behind it."""

import asyncio
from typing import Protocol

from antiphon_proto.address import Address
from transceiver.leased_port import LeasedPort, PortState
from transceiver.leased_ports import LeasedPorts, LeasedPortsFullError
from transceiver.sip_calls.sip_call import SipMedia

LEASE_S = 1.0
"""How long a call waits for a relay's port before it does without."""

_UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104


class Tenant(Protocol):
    """The call."""

    def receive_leased(self, datagram: bytes, client: Address, now: float) -> None: ...


class LeasedDoor:
    """What comes before there is a `tenant` is lost."""

    port: LeasedPort
    tenant: Tenant | None = None

    def receive(self, datagram: bytes, client: Address, now: float) -> None:
        if self.tenant is not None:
            self.tenant.receive_leased(datagram, client, now)

    def address(self, public: Address) -> Address:
        """Where the peer is to send to; `public` is where clients reach the relay."""
        host, port = self.port.address or public
        return (public[0] if host in _UNSPECIFIED else host), port

    @property
    def media(self) -> SipMedia:
        return SipMedia(self.port.send, self.port.latch, self._release)

    def _release(self) -> None:
        self.tenant = None
        self.port.release()


async def leased_door(ports: LeasedPorts, source: str | None, now: float) -> LeasedDoor | None:
    """A port that hears this host, or anybody; None where no relay has one in time."""
    settled = asyncio.get_running_loop().create_future()
    door = LeasedDoor()

    def settle(_port: LeasedPort) -> None:
        if not settled.done():
            settled.set_result(None)

    try:
        door.port = ports.lease(source, on_datagram=door.receive, on_settled=settle, now=now)
    except LeasedPortsFullError:
        return None
    try:
        await asyncio.wait_for(settled, LEASE_S)
    except TimeoutError:
        pass
    except BaseException:
        door.port.release()
        raise
    if door.port.state is PortState.HELD:
        return door
    door.port.release()
    return None
