"""What the relay does with a datagram: the readable reference.

Holds no socket and no clock: the caller passes each datagram in with `now`, in
seconds since the Unix epoch, and carries out the verdict. Nothing here ever
answers a client, so a forged source address gains an attacker nothing.

Upstream, a STUN request is routed by its own ufrag, whatever flow its source
may have, and only once its MESSAGE-INTEGRITY was verified: no state exists
before that. The check then points the flow of its source address at the owner
that the ufrag names. All else follows the flow.

Downstream needs no flow: each frame carries its client's address, and the
tunnel's verification tag proves that a member of the cluster sent it. A
restarted relay therefore delivers an agent's speech at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass, StunError, StunMessage
from antiphon_proto.tunnel import (
    Frame,
    FrameType,
    TunnelError,
    TunnelFault,
    TunnelReceiver,
    TunnelSender,
)
from antiphon_proto.ufrag import UfragError, UfragFault, UfragReader
from relay.drop_reason import DropReason
from relay.flow_table import FlowTable
from relay.owner_allow_list import OwnerAllowList

OWNERS_REMEMBERED = 4096
"""Owners whose tunnel sender is kept ready. One forgotten is made anew at a later check:
this relay sends DATA alone, so a sender holds no counter that must go on."""

UFRAG_DROPS: Mapping[UfragFault, DropReason] = {
    UfragFault.UNKNOWN_CONFIG: DropReason.UFRAG_UNKNOWN_CONFIG,
    UfragFault.LENGTH: DropReason.UFRAG_LENGTH,
    UfragFault.MALFORMED: DropReason.UFRAG_MALFORMED,
    UfragFault.CHECK: DropReason.UFRAG_CHECK,
    UfragFault.EXPIRED: DropReason.UFRAG_EXPIRED,
}

TUNNEL_DROPS: Mapping[TunnelFault, DropReason] = {
    TunnelFault.TRUNCATED: DropReason.TUNNEL_TRUNCATED,
    TunnelFault.VERSION: DropReason.TUNNEL_VERSION,
    TunnelFault.TAG: DropReason.TUNNEL_TAG,
    TunnelFault.MAC: DropReason.TUNNEL_MAC,
    TunnelFault.REPLAY: DropReason.TUNNEL_REPLAY,
    TunnelFault.FRAME: DropReason.TUNNEL_FRAME,
}


@dataclass(frozen=True, slots=True)
class Forward:
    """Send `datagram`, a tunnel datagram, from the tunnel socket to `owner`."""

    datagram: bytes
    owner: Address
    kind: PacketKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """Send `payload` from the public socket to `client`."""

    payload: bytes
    client: Address
    kind: PacketKind


class Router:
    """The decisions of one relay worker.

    `tunnel` is the address of the worker's tunnel socket as owners see it,
    `epoch` a random number that no other worker, before or beside it, uses.
    `public_host` and the tunnel's host only say which address families the two
    sockets can send to.
    """

    def __init__(
        self,
        keys: ClusterKeys,
        *,
        cluster_id: int,
        owners: OwnerAllowList,
        flows: FlowTable,
        public_host: str,
        tunnel: Address,
        epoch: int,
    ) -> None:
        self._cluster_id = cluster_id
        self._flows = flows
        self._ufrags = UfragReader(keys)
        self._receiver = TunnelReceiver(keys, tunnel)
        # Asked at every check of every client, about a few owners.
        self._may_own = lru_cache(OWNERS_REMEMBERED)(owners.allows)
        self._sender_to = lru_cache(OWNERS_REMEMBERED)(partial(TunnelSender, keys, epoch))
        self._public_is_ipv6 = _is_ipv6(public_host)
        self._tunnel_is_ipv6 = _is_ipv6(tunnel[0])

    def from_client(self, datagram: bytes, client: Address, now: float) -> Forward | DropReason:
        """Judge what the public socket received from `client`."""
        kind = packet_kind(datagram)
        if kind is PacketKind.OTHER:
            return DropReason.NOT_WEBRTC
        if kind is PacketKind.STUN:
            try:
                message = stun.parse(datagram)
            except StunError:
                return DropReason.MALFORMED_STUN
            if message.message_class is StunClass.REQUEST:
                return self._from_check(message, datagram, client, now)
        flow = self._flows.find(client, now)
        if flow is None:
            return DropReason.NO_FLOW
        return Forward(flow.sender.encode_data(client, datagram), flow.owner, kind)

    def from_tunnel(self, datagram: bytes) -> list[Delivery | DropReason]:
        """Judge what the tunnel socket received: one verdict a frame.

        A datagram that cannot be believed yields one reason for all of it.
        """
        try:
            _epoch, frames = self._receiver.decode(datagram)
        except TunnelError as error:
            return [TUNNEL_DROPS[error.fault]]
        return [self._from_owner(frame) for frame in frames]

    def _from_check(
        self, check: StunMessage, datagram: bytes, client: Address, now: float
    ) -> Forward | DropReason:
        owner = self._owner_of(check, now)
        if isinstance(owner, DropReason):
            return owner
        flow = self._flows.point(client, owner, self._sender_to(owner), now)
        return Forward(flow.sender.encode_data(client, datagram), owner, PacketKind.STUN)

    def _owner_of(self, check: StunMessage, now: float) -> Address | DropReason:
        """Who owns the call that `check` belongs to, once it proved that it does belong."""
        if check.method != stun.BINDING:
            return DropReason.STUN_METHOD
        ufrag = check.local_ufrag
        if ufrag is None:
            return DropReason.NO_USERNAME
        try:
            owner = self._ufrags.read(ufrag, now)
            password = self._ufrags.password(ufrag)
        except UfragError as error:
            return UFRAG_DROPS[error.reason]
        if not check.verify(password):
            return DropReason.INTEGRITY
        if owner.cluster_id != self._cluster_id:
            return DropReason.FOREIGN_CLUSTER
        if not self._may_own(owner.address):
            return DropReason.OWNER_NOT_ALLOWED
        if _is_ipv6(owner.address) != self._tunnel_is_ipv6:
            return DropReason.OWNER_FAMILY
        return owner.address, owner.port

    def _from_owner(self, frame: Frame) -> Delivery | DropReason:
        if frame.type is not FrameType.DATA:
            return DropReason.UNSUPPORTED_CONTROL
        if _is_ipv6(frame.client[0]) != self._public_is_ipv6:
            return DropReason.CLIENT_FAMILY
        return Delivery(frame.payload, frame.client, packet_kind(frame.payload))


def _is_ipv6(host: str) -> bool:
    return ":" in host
