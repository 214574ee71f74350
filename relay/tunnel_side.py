"""What a relay worker does with the frames that owners, and relays of other clusters, send it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from antiphon_proto.address import Address, family_of
from antiphon_proto.demux import packet_kind
from antiphon_proto.tunnel import Frame, FrameType, split_port_payload
from antiphon_proto.tunnel_control import (
    Bind,
    ControlMessage,
    Hello,
    Lease,
    Leased,
    Probe,
    Probed,
    Release,
    Reset,
    Unbind,
    control_frame,
    control_message,
)
from antiphon_proto.tunnel_transit import FromOwner, read_transit
from relay.drop_reason import DropReason
from relay.flows import Flows
from relay.owner_routes import Route
from relay.port_leases import PortLeases
from relay.remote_owner import owner_in
from relay.transit import TransitRules
from relay.verdicts import BIND_DROPS, Answer, Delivery, FromTunnel, PortDelivery


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Whose frames these are."""

    address: Address
    """Written with its cluster, if that is another one."""
    epoch: int
    abroad: bool


class TunnelSide:
    """The decisions of one relay worker about what its tunnel socket received."""

    def __init__(
        self,
        flows: Flows,
        leases: PortLeases,
        transit: TransitRules,
        *,
        families: frozenset[int],
        siblings: tuple[Address, ...],
        phone_host: str,
        route_to: Callable[[Address], Route | None],
        draining: Callable[[], bool],
    ) -> None:
        self._flows = flows
        self._leases = leases
        self._transit = transit
        self._families = families
        self._siblings = siblings
        self._phone_host = phone_host
        self._route_to = route_to
        self._draining = draining

    def judge(
        self, frames: Sequence[Frame], source: Address, epoch: int, now: float
    ) -> list[FromTunnel]:
        """One datagram's verdicts, as `Router.from_tunnel` gives them. Raises TunnelError."""
        way = read_transit(frames[0])
        if way is None:
            return self._frames(frames, _Speaker(source, epoch, abroad=False), now)
        if not isinstance(way, FromOwner):
            return [self._transit.judge(way, epoch, frames[1:], source)]
        reason = self._transit.why_not_obey(way, frames[1:], source)
        if reason is not None:
            return [reason]
        owner = _Speaker(owner_in(way.cluster, way.owner), way.epoch, abroad=True)
        return self._frames(frames[1:], owner, now)

    def _frames(self, frames: Sequence[Frame], speaker: _Speaker, now: float) -> list[FromTunnel]:
        messages = [None if frame.type is FrameType.DATA else _read(frame) for frame in frames]
        verdicts: list[FromTunnel] = []
        for frame, message in zip(frames, messages, strict=True):
            verdict: FromTunnel | None
            if message is None:
                verdict = self._deliver(frame, now)
            elif isinstance(message, _PortData):
                verdict = self._deliver_from_port(message, frame.client, speaker.address, now)
            elif isinstance(message, Probe | Probed):
                verdict = self._between_relays(message, speaker.address, now)
            elif not speaker.abroad and not self._transit.may_own(speaker.address[0]):
                verdict = DropReason.OWNER_NOT_ALLOWED
            else:
                verdict = self._obey(message, frame.client, speaker, now)
            if verdict is not None:
                verdicts.append(verdict)
        return verdicts

    def _deliver(self, frame: Frame, now: float) -> Delivery | DropReason:
        if family_of(frame.client[0]) not in self._families:
            return DropReason.CLIENT_FAMILY
        if not self._flows.may_send(frame.client, len(frame.payload), now):
            return DropReason.PROVISIONAL_ALLOWANCE
        return Delivery(frame.payload, frame.client, packet_kind(frame.payload))

    def _deliver_from_port(
        self, data: "_PortData", client: Address, source: Address, now: float
    ) -> PortDelivery | DropReason:
        reason = self._leases.why_not_send(data.port, source, client, now)
        if reason is not None:
            return reason
        return PortDelivery(data.datagram, client, data.port, packet_kind(data.datagram))

    def _obey(
        self, message: ControlMessage, client: Address, speaker: _Speaker, now: float
    ) -> Answer | DropReason | None:
        owner, epoch = speaker.address, speaker.epoch
        match message:
            case Bind():
                return BIND_DROPS[self._flows.bind(client, owner, epoch, message, now)]
            case Unbind():
                self._flows.unbind(client, owner)
            case Reset():
                self._flows.reset(owner, epoch)
                self._leases.reset(owner, epoch)
            case Hello() if message.nonce:
                siblings = self._transit.stand_ins if speaker.abroad else self._siblings
                return self._answer(Hello(message.nonce, siblings), owner)
            case Lease():
                return self._lease(message, owner, epoch, now)
            case Release():
                self._leases.release(owner, message.id)
        return None

    def _lease(self, lease: Lease, owner: Address, epoch: int, now: float) -> Answer | DropReason:
        port = self._leases.ask(owner, epoch, lease, now, open_new=not self._draining())
        return self._answer(Leased(lease.id, (self._phone_host, port or 0)), owner)

    def _between_relays(
        self, message: Probe | Probed, source: Address, now: float
    ) -> Answer | DropReason | None:
        """A probe is answered, an answer never."""
        answer = self._transit.between_relays(message, source, now)
        if not isinstance(answer, Probed):
            return answer
        return None if self._draining() else self._answer(answer, source)

    def _answer(self, message: Hello | Leased | Probed, to: Address) -> Answer | DropReason:
        route = self._route_to(to)
        if route is None:
            return DropReason.CLUSTER_UNREACHABLE
        return Answer(route.sender.encode([control_frame(message)]), to, route.to)


@dataclass(frozen=True, slots=True)
class _PortData:
    """What a PORT_DATA frame carries."""

    port: int
    datagram: bytes


def _read(frame: Frame) -> "ControlMessage | _PortData":
    """Raises TunnelError."""
    if frame.type is FrameType.PORT_DATA:
        return _PortData(*split_port_payload(frame.payload))
    return control_message(frame)
