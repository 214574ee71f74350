"""What the relay does with a datagram: the readable reference.

Holds no socket and no clock: the caller passes each datagram in with the time,
and carries out the verdict. Nothing here ever answers a client, so a forged
source address gains an attacker nothing.

Upstream, a STUN request is routed by its own ufrag, whatever flow its source
may have, and only once its MESSAGE-INTEGRITY was verified: no state exists
before that. The check then opens a provisional flow for its source, which the
owner binds when the client answered a check of its own. All else follows the
flow, or, while the owner may still be learning a client's new address, the RTP
source that the owner announced.

Downstream needs no flow: each frame carries its client's address, and the
tunnel's verification tag proves that a member of the cluster sent it. A
restarted relay therefore delivers an agent's speech at once. Only an address
that nobody has confirmed gets no more than three times what came from it.

An owner of another cluster is one like any other, but is reached through that
cluster's relays. What these and the owners of this cluster have to say to each
other passes through, by `transit`, and leaves nothing behind.
"""

from collections.abc import Callable
from functools import lru_cache

from antiphon_proto import stun
from antiphon_proto.address import Address, family_of
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass, StunError, StunMessage
from antiphon_proto.tunnel import (
    Frame,
    FrameType,
    TunnelError,
    TunnelReceiver,
    TunnelSender,
    port_payload,
)
from antiphon_proto.ufrag import Owner, UfragError, UfragReader, config_id
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.flows import Admission, Flow, Flows, FlowState, SsrcVerdict, ufrag_mark
from relay.owner_allow_list import PRIVATE_OWNERS, OwnerAllowList
from relay.owner_routes import OWNERS_REMEMBERED, OwnerRoutes, Route
from relay.port_leases import UNSPECIFIED, PortLeases
from relay.remote_clusters import RemoteClusters
from relay.remote_owner import owner_in
from relay.transit import TransitRules
from relay.tunnel_side import TunnelSide
from relay.verdicts import TUNNEL_DROPS, UFRAG_DROPS, Forward, FromClient, FromTunnel

_SSRC_AT = {PacketKind.RTP: 8, PacketKind.RTCP: 4}
"""https://www.rfc-editor.org/rfc/rfc3550#section-5.1 and section 6.4.1"""


class Router:
    """The decisions of one relay worker.

    `tunnel` is the address of the worker's tunnel socket as owners see it, `siblings`
    are the other workers', and `epoch` is a random number that no other worker, before
    or beside it, uses. `families` are the address families, 4 and 6, of the public
    sockets. Times: `now` is the flows' monotonic clock, `unix_now` the calendar's, in
    seconds.
    """

    def __init__(
        self,
        keys: ClusterKeys,
        *,
        cluster_id: int,
        owners: OwnerAllowList,
        flows: Flows,
        limiter: FailureLimiter,
        families: frozenset[int],
        tunnel: Address,
        siblings: tuple[Address, ...],
        epoch: int,
        leases: PortLeases | None = None,
        phone_host: str = UNSPECIFIED[0],
        check_verified: Callable[[int], None] = lambda _config_id: None,
        remote: RemoteClusters | None = None,
        remote_relays: OwnerAllowList = PRIVATE_OWNERS,
    ) -> None:
        """`leases` are of the worker's phone ports, which are reached at `phone_host`;
        `check_verified` is told the config id of each ufrag whose check authenticated;
        `remote` are the other clusters, whose relays live in `remote_relays`."""
        self.draining = False
        """Whether checks from addresses without a flow are refused."""
        self.epoch = epoch
        self._cluster_id = cluster_id
        self._flows = flows
        self._leases = PortLeases() if leases is None else leases
        self._limiter = limiter
        self._family = family_of(tunnel[0])
        self._check_verified = check_verified
        # Asked at every check of every client, about a few owners.
        self._may_own = lru_cache(OWNERS_REMEMBERED)(owners.allows)
        self._remote = remote
        self._tunnel_side = TunnelSide(
            flows,
            self._leases,
            TransitRules(
                remote,
                family=self._family,
                may_own=self._may_own,
                may_relay=lru_cache(OWNERS_REMEMBERED)(remote_relays.allows),
                sender_to=lambda peer: self.sender_to(peer),
            ),
            families=families,
            siblings=siblings,
            phone_host=phone_host,
            route_to=lambda owner: self.route_to(owner),
            draining=lambda: self.draining,
        )
        names = (tunnel,) if remote is None else (tunnel, remote.own)
        self._receiver = TunnelReceiver(keys, *dict.fromkeys(names))
        self.reload(keys)

    def reload(self, keys: ClusterKeys) -> None:
        """Use other keys from now on; flows stay."""
        self._ufrags = UfragReader(keys)
        self._receiver.use_keys(keys)
        routes = OwnerRoutes(keys, self.epoch, self._remote)
        self.sender_to: Callable[[Address], TunnelSender] = routes.sender_to
        """What encodes datagrams to a tunnel address."""
        self.route_to: Callable[[Address], Route | None] = routes.to
        """How an owner is reached."""

    def from_client(
        self, datagram: bytes, client: Address, now: float, unix_now: float
    ) -> FromClient:
        """Judge what a public socket received from `client`."""
        kind = packet_kind(datagram)
        if kind is PacketKind.OTHER:
            return DropReason.NOT_WEBRTC
        flow = self._flows.find(client, now)
        if kind is PacketKind.STUN:
            try:
                message = stun.parse(datagram)
            except StunError:
                return DropReason.MALFORMED_STUN
            if message.message_class is StunClass.REQUEST:
                return self._from_check(message, datagram, client, flow, now, unix_now)
        if flow is None:
            return self._from_unknown(datagram, client, kind, now)
        return self._forward(datagram, client, flow, kind)

    def from_phone(self, datagram: bytes, port: int, client: Address, now: float) -> FromClient:
        """Judge what a phone port received from `client`."""
        kind = packet_kind(datagram)
        if kind is PacketKind.OTHER:
            return DropReason.NOT_WEBRTC
        owner = self._leases.owner_for(port, client, now)
        if isinstance(owner, DropReason):
            return owner
        frame = Frame(FrameType.PORT_DATA, client, port_payload(port, datagram))
        return Forward(self.sender_to(owner).encode([frame]), owner, owner, kind)

    def from_tunnel(self, datagram: bytes, source: Address, now: float) -> list[FromTunnel]:
        """Judge what the tunnel socket received from an owner, or a relay, at `source`.

        One verdict a frame, but none for a control frame that was obeyed in silence. A
        datagram that cannot be believed yields one reason for all of it, and one that is
        to be sent on one verdict.
        """
        try:
            epoch, frames = self._receiver.decode(datagram)
            return self._tunnel_side.judge(frames, source, epoch, now)
        except TunnelError as error:
            return [TUNNEL_DROPS[error.fault]]

    def trusts(self, header: bytes) -> bool:
        """Whether a tunnel datagram with this header was verified."""
        return self._receiver.remembers(header)

    # From a client.

    def _from_check(
        self,
        check: StunMessage,
        datagram: bytes,
        client: Address,
        flow: Flow | None,
        now: float,
        unix_now: float,
    ) -> FromClient:
        if check.method != stun.BINDING:
            return DropReason.STUN_METHOD
        ufrag = check.local_ufrag
        if ufrag is None:
            return DropReason.NO_USERNAME
        if flow is not None and flow.ufrag_mark == ufrag_mark(ufrag):
            # Verified when it was new; its owner verifies each.
            return self._forward(datagram, client, flow, PacketKind.STUN)
        if flow is None and not self._limiter.allows(client[0], now):
            return DropReason.RATE_LIMITED
        owner = self._owner_of(check, ufrag, unix_now)
        if isinstance(owner, DropReason):
            self._limiter.failed(client[0], now)
            return owner
        return self._admit(datagram, client, owner, ufrag, now)

    def _owner_of(self, check: StunMessage, ufrag: bytes, unix_now: float) -> Address | DropReason:
        """Who owns the call that `check` belongs to, once it proved that it does belong."""
        try:
            owner = self._ufrags.read(ufrag, unix_now)
            password = self._ufrags.password(ufrag)
        except UfragError as error:
            return UFRAG_DROPS[error.reason]
        if not check.verify(password):
            return DropReason.INTEGRITY
        self._check_verified(config_id(ufrag))
        return self._allowed(owner)

    def _allowed(self, owner: Owner) -> Address | DropReason:
        if owner.cluster_id != self._cluster_id:
            return self._abroad(owner)
        if not self._may_own(owner.address):
            return DropReason.OWNER_NOT_ALLOWED
        if family_of(owner.address) != self._family:
            return DropReason.OWNER_FAMILY
        return owner.address, owner.port

    def _abroad(self, owner: Owner) -> Address | DropReason:
        """Whether it may own calls is for the relays of its cluster to judge."""
        if self._remote is None or not self._remote.knows(owner.cluster_id):
            return DropReason.FOREIGN_CLUSTER
        named = owner_in(owner.cluster_id, (owner.address, owner.port))
        return DropReason.CLUSTER_UNREACHABLE if self.route_to(named) is None else named

    def _admit(
        self, datagram: bytes, client: Address, owner: Address, ufrag: bytes, now: float
    ) -> FromClient:
        admission = self._flows.check_verified(
            client, owner, ufrag, len(datagram), now, open_new=not self.draining
        )
        if admission is Admission.FULL:
            return DropReason.DRAINING if self.draining else DropReason.TABLE_FULL
        # Also when another owner holds the address: the check is for this one to judge.
        return self._encode(datagram, client, owner, PacketKind.STUN)

    def _from_unknown(
        self, datagram: bytes, client: Address, kind: PacketKind, now: float
    ) -> FromClient:
        """Media whose source address nobody vouched for may be that of a rebound NAT."""
        at = _SSRC_AT.get(kind)
        if at is None or len(datagram) < at + 4:
            return DropReason.NO_FLOW
        owner = self._flows.follow_ssrc(int.from_bytes(datagram[at : at + 4], "big"), now)
        if owner is SsrcVerdict.UNKNOWN:
            return DropReason.NO_FLOW
        if owner is SsrcVerdict.LIMITED:
            return DropReason.SSRC_RATE
        return self._encode(datagram, client, owner, kind)

    def _forward(
        self, datagram: bytes, client: Address, flow: Flow, kind: PacketKind
    ) -> FromClient:
        if flow.state is FlowState.PROVISIONAL:
            self._flows.received(client, len(datagram))
        return self._encode(datagram, client, flow.owner, kind)

    def _encode(
        self, datagram: bytes, client: Address, owner: Address, kind: PacketKind
    ) -> FromClient:
        route = self.route_to(owner)
        if route is None:
            return DropReason.CLUSTER_UNREACHABLE
        return Forward(route.sender.encode_data(client, datagram), owner, route.to, kind)
