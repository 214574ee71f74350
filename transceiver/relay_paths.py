"""Which relay each address of one client last came through: the way back."""

from collections.abc import Callable

from antiphon_proto.address import Address
from transceiver.tunnel_endpoint import TunnelEndpoint


class RelayPaths:
    """Sends to one call's client. Holds as many addresses as the ICE agent does."""

    def __init__(self, endpoint: TunnelEndpoint) -> None:
        self._endpoint = endpoint
        self._relays: dict[Address, Address] = {}
        self._expected: set[Address] = set()

    def expect(self, client: Address) -> None:
        """Signaling named this address: it may be sent to before anything came from there."""
        self._expected.add(client)

    def note(self, client: Address, relay: Address) -> None:
        """A datagram from `client` came through `relay`."""
        self._relays[client] = relay

    def send(self, datagram: bytes, client: Address) -> None:
        """Send through the client's relay; does nothing for an address that was forgotten."""
        relay = self._relays.get(client)
        if relay is None and client in self._expected:
            relay = self._endpoint.relay_for(client)
        if relay is not None:
            self._endpoint.send(datagram, client, relay)

    def forget_unless(self, known: Callable[[Address], bool]) -> list[Address]:
        """Drop the addresses that are not `known` any more; returns them."""
        self._expected = set(filter(known, self._expected))
        forgotten = [client for client in self._relays if not known(client)]
        for client in forgotten:
            del self._relays[client]
        return forgotten
