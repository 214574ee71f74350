"""What a router may decide, and the reason for which it drops what cannot be accepted."""

from collections.abc import Mapping
from dataclasses import dataclass

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.tunnel import TunnelFault
from antiphon_proto.ufrag import UfragFault
from relay.drop_reason import DropReason
from relay.flows import Admission

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

BIND_DROPS: Mapping[Admission, DropReason | None] = {
    Admission.ACCEPTED: None,
    Admission.CONFLICT: DropReason.BIND_CONFLICT,
    Admission.FULL: DropReason.BIND_TABLE_FULL,
}


@dataclass(frozen=True, slots=True)
class Forward:
    """Send `datagram`, a tunnel datagram for `owner`, from the tunnel socket to `to`."""

    datagram: bytes
    owner: Address
    to: Address
    """The owner itself, or a relay of its cluster."""
    kind: PacketKind


@dataclass(frozen=True, slots=True)
class Answer:
    """Send `datagram`, an answer to `owner` or a relay, from the tunnel socket to `to`."""

    datagram: bytes
    owner: Address
    to: Address


@dataclass(frozen=True, slots=True)
class Transit:
    """Send `datagram`, which came through the tunnel, on from the tunnel socket to `to`."""

    datagram: bytes
    to: Address
    header: bytes
    """With which all go on that came behind the same header and first frame as this one, if
    they hold DATA alone."""
    to_owner: bool
    """Else it goes to a relay."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Send `payload` from the public socket of the client's family to `client`."""

    payload: bytes
    client: Address
    kind: PacketKind


@dataclass(frozen=True, slots=True)
class PortDelivery:
    """Send `payload` from the phone port to `client`."""

    payload: bytes
    client: Address
    port: int
    kind: PacketKind


FromClient = Forward | DropReason
FromTunnel = Delivery | PortDelivery | Answer | Transit | DropReason
