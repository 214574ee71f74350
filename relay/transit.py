"""What a relay does with datagrams between the owners of its cluster and the relays of others.

It remembers nothing of them: a datagram's first frame says where the others go, and under
which address they came. docs/wire/tunnel.md draws the ways.
"""

from collections.abc import Callable, Sequence

from antiphon_proto.address import Address, family_of
from antiphon_proto.tunnel import Frame, FrameType, TunnelSender
from antiphon_proto.tunnel_control import Probe, Probed
from antiphon_proto.tunnel_transit import (
    FromOwner,
    FromRelay,
    ToOwner,
    ToRelay,
    TransitSender,
    Way,
)
from relay.drop_reason import DropReason
from relay.remote_clusters import RemoteClusters
from relay.verdicts import Transit

TO_OWNERS = frozenset((FrameType.DATA, FrameType.HELLO))
"""What a relay has to say to an owner of another cluster."""

TO_RELAYS = TO_OWNERS | {FrameType.BIND, FrameType.UNBIND, FrameType.RESET}
"""What an owner has to say to a relay of another cluster."""


class TransitRules:
    """The decisions of one relay worker about what concerns two clusters."""

    def __init__(
        self,
        remote: RemoteClusters | None,
        *,
        family: int,
        may_own: Callable[[str], bool],
        may_relay: Callable[[str], bool],
        sender_to: Callable[[Address], TunnelSender],
    ) -> None:
        """Without `remote`, other clusters are none of its business. `family` is the tunnel
        socket's, of this cluster's owners and of the others' relays; `sender_to` encodes
        what leaves from there."""
        self.may_own = may_own
        self._remote = remote
        self._family = family
        self._may_relay = may_relay
        self._sender_to = sender_to

    @property
    def stand_ins(self) -> tuple[Address, ...]:
        """The siblings that owners of other clusters are told of."""
        return () if self._remote is None else self._remote.stand_ins

    def judge(
        self, way: Way, epoch: int, frames: Sequence[Frame], source: Address
    ) -> Transit | DropReason:
        """`frames` came this way from `source`, in its life `epoch`, and go on."""
        if self._remote is None:
            return DropReason.TRANSIT_REFUSED
        match way:
            case ToOwner():
                return self._to_owner(way, epoch, frames, source, self._remote.own_cluster)
            case ToRelay():
                return self._to_relay(way, epoch, frames, source, self._remote.own_cluster)
        return DropReason.TRANSIT_FRAME

    def why_not_obey(
        self, way: FromOwner, frames: Sequence[Frame], source: Address
    ) -> DropReason | None:
        """Why the owner's frames, which the relay at `source` sent on, are not for this relay."""
        if self._remote is None:
            return DropReason.TRANSIT_REFUSED
        if not self._may_relay(source[0]):
            return DropReason.RELAY_NOT_ALLOWED
        if not self._remote.knows(way.cluster):
            return DropReason.TRANSIT_CLUSTER
        return None if _hold_only(frames, TO_RELAYS) else DropReason.TRANSIT_FRAME

    def between_relays(
        self, message: Probe | Probed, source: Address, now: float
    ) -> Probed | DropReason | None:
        """The answer to a probe; an answer is noted."""
        if self._remote is None:
            return DropReason.TRANSIT_REFUSED
        if not self._may_relay(source[0]):
            return DropReason.RELAY_NOT_ALLOWED
        if isinstance(message, Probed):
            # It may name anybody; what they are sent is for relays alone.
            named = tuple(each for each in message.siblings if self._may_relay(each[0]))
            self._remote.probed(Probed(message.nonce, named), now)
            return None
        if message.cluster != self._remote.own_cluster:
            return DropReason.TRANSIT_CLUSTER
        return Probed(message.nonce, self._remote.siblings)

    def _to_owner(
        self, way: ToOwner, epoch: int, frames: Sequence[Frame], source: Address, own_cluster: int
    ) -> Transit | DropReason:
        if way.cluster != own_cluster:
            return DropReason.TRANSIT_CLUSTER
        if not self._is_relay(way.relay) or not _believed(frames, source, self._may_relay):
            return DropReason.RELAY_NOT_ALLOWED
        if not self.may_own(way.owner[0]) or family_of(way.owner[0]) != self._family:
            return DropReason.TRANSIT_OWNER
        if not _hold_only(frames, TO_OWNERS):
            return DropReason.TRANSIT_FRAME
        sender = TransitSender(self._sender_to(way.owner), FromRelay(way.relay, epoch))
        return Transit(sender.encode(frames), way.owner, sender.data_header, to_owner=True)

    def _to_relay(
        self, way: ToRelay, epoch: int, frames: Sequence[Frame], source: Address, own_cluster: int
    ) -> Transit | DropReason:
        if not self._is_relay(way.relay):
            return DropReason.RELAY_NOT_ALLOWED
        if not _believed(frames, source, self.may_own):
            return DropReason.TRANSIT_OWNER
        if not _hold_only(frames, TO_RELAYS):
            return DropReason.TRANSIT_FRAME
        sender = self._sender_to(way.relay)
        if _is_data(frames):
            datagram = sender.encode(frames)
        else:
            from_owner = FromOwner(source, own_cluster, epoch)
            datagram = TransitSender(sender, from_owner).encode(frames)
        return Transit(datagram, way.relay, sender.data_header, to_owner=False)

    def _is_relay(self, relay: Address) -> bool:
        return self._may_relay(relay[0]) and family_of(relay[0]) == self._family


def _is_data(frames: Sequence[Frame]) -> bool:
    return all(frame.type is FrameType.DATA for frame in frames)


def _believed(frames: Sequence[Frame], source: Address, may: Callable[[str], bool]) -> bool:
    """As everywhere, the tag is enough for data, and who controls must live where he may."""
    return _is_data(frames) or may(source[0])


def _hold_only(frames: Sequence[Frame], types: frozenset[FrameType]) -> bool:
    return all(frame.type in types for frame in frames)
