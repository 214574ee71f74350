"""How datagrams reach a relay worker: by themselves, or through one of this cluster."""

from collections.abc import Container

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import TunnelSender
from antiphon_proto.tunnel_transit import ToRelay, TransitSender
from transceiver.relay_directory import MAX_RELAYS, RelayDirectory

MAX_SENDERS = 2 * MAX_RELAYS
"""Of which one that was forgotten is made anew."""

Sender = TunnelSender | TransitSender


class RelayWays:
    """Relay workers of other clusters are reached through that of this one by which they came."""

    def __init__(self, keys: ClusterKeys, epoch: int, directory: RelayDirectory) -> None:
        self._keys = keys
        self._epoch = epoch
        self._directory = directory
        self._gateways: dict[Address, Address] = {}
        """Of each relay worker of another cluster, the one through which it last came."""
        self._senders: dict[tuple[Address, Address], Sender] = {}
        """By relay worker and gateway, which is the relay worker itself in this cluster."""

    def use_keys(self, keys: ClusterKeys) -> None:
        """Send under the first config of `keys` from here on."""
        self._keys = keys
        self._senders.clear()

    def came(self, relay: Address, gateway: Address) -> None:
        """A datagram of another cluster's `relay` came through `gateway`."""
        self._gateways[relay] = gateway

    def to(self, relay: Address) -> tuple[Sender, Address]:
        """What encodes datagrams to a relay worker, and where they are sent."""
        gateway = self._gateway(relay) if self._directory.is_remote(relay) else relay
        sender = self._senders.get((relay, gateway))
        if sender is None:
            if len(self._senders) >= MAX_SENDERS:
                self._senders.clear()
            sender = self._senders[relay, gateway] = self._new_sender(relay, gateway)
        return sender, gateway

    def forget(self, used: Container[Address]) -> None:
        """Gateways of relay workers that are not among these are of no use any more."""
        for relay in [each for each in self._gateways if each not in used]:
            del self._gateways[relay]

    def _gateway(self, relay: Address) -> Address:
        """The relay worker itself, which will not be reached, where there is no other."""
        gateway = self._gateways.get(relay) or self._directory.relay_for(relay)
        return relay if gateway is None else self._directory.route(gateway)

    def _new_sender(self, relay: Address, gateway: Address) -> Sender:
        sender = TunnelSender(self._keys, self._epoch, gateway)
        return sender if gateway == relay else TransitSender(sender, ToRelay(relay))
