"""Ways through a second relay: the frame that a tunnel datagram in transit begins with.

docs/wire/tunnel.md tells the ways. Each of the four says what the frames after it are
for; a relay makes the second of a way from the first, and never another. `read_transit`
raises `TunnelError` with the fault FRAME.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from antiphon_proto.address import Address, decode_address, encode_address
from antiphon_proto.tunnel import (
    TRANSIT_TYPES,
    Frame,
    FrameType,
    TunnelError,
    TunnelFault,
    TunnelSender,
    encode_frame,
)

_EPOCH = struct.Struct(">Q")
_CLUSTER_EPOCH = struct.Struct(">BQ")


@dataclass(frozen=True, slots=True)
class ToOwner:
    """From a relay worker to one of the owner's cluster: what follows is for that owner."""

    TYPE: ClassVar[FrameType] = FrameType.TO_OWNER

    owner: Address
    cluster: int
    """The owner's, 0..255."""
    relay: Address
    """What other clusters call the relay worker that sends this."""

    def frame(self) -> Frame:
        """Raises ValueError when a value does not fit its field."""
        return Frame(self.TYPE, self.owner, bytes((self.cluster,)) + encode_address(self.relay))

    @classmethod
    def read(cls, frame: Frame) -> "ToOwner":
        return cls(frame.client, frame.payload[0], decode_address(frame.payload[1:]))


@dataclass(frozen=True, slots=True)
class FromRelay:
    """To the owner, from a relay worker of its cluster: what follows came to another relay."""

    TYPE: ClassVar[FrameType] = FrameType.FROM_RELAY

    relay: Address
    epoch: int
    """The other relay worker's, a u64."""

    def frame(self) -> Frame:
        """Raises ValueError when a value does not fit its field."""
        return Frame(self.TYPE, self.relay, _packed(_EPOCH, self.epoch))

    @classmethod
    def read(cls, frame: Frame) -> "FromRelay":
        return cls(frame.client, *_EPOCH.unpack(frame.payload))


@dataclass(frozen=True, slots=True)
class ToRelay:
    """From an owner to a relay worker of its cluster: what follows is for another relay's."""

    TYPE: ClassVar[FrameType] = FrameType.TO_RELAY

    relay: Address

    def frame(self) -> Frame:
        return Frame(self.TYPE, self.relay, b"")

    @classmethod
    def read(cls, frame: Frame) -> "ToRelay":
        if frame.payload:
            raise ValueError("TO_RELAY has no payload")
        return cls(frame.client)


@dataclass(frozen=True, slots=True)
class FromOwner:
    """To a relay worker, from one of the owner's cluster: what follows is the owner's."""

    TYPE: ClassVar[FrameType] = FrameType.FROM_OWNER

    owner: Address
    cluster: int
    """The owner's, 0..255."""
    epoch: int
    """The owner's, a u64."""

    def frame(self) -> Frame:
        """Raises ValueError when a value does not fit its field."""
        return Frame(self.TYPE, self.owner, _packed(_CLUSTER_EPOCH, self.cluster, self.epoch))

    @classmethod
    def read(cls, frame: Frame) -> "FromOwner":
        return cls(frame.client, *_CLUSTER_EPOCH.unpack(frame.payload))


Way = ToOwner | FromRelay | ToRelay | FromOwner

_WAYS: dict[FrameType, type[Way]] = {
    each.TYPE: each for each in (ToOwner, FromRelay, ToRelay, FromOwner)
}


def read_transit(frame: Frame) -> Way | None:
    """What the first frame of a datagram says of the others; None where it is one of them.

    Raises TunnelError.
    """
    if frame.type not in TRANSIT_TYPES:
        return None
    try:
        return _WAYS[frame.type].read(frame)
    except (ValueError, IndexError, struct.error):
        raise TunnelError(TunnelFault.FRAME) from None


class TransitSender:
    """As `TunnelSender`, but all that it encodes is in transit."""

    def __init__(self, sender: TunnelSender, way: Way) -> None:
        """`sender` is to the relay worker in between. Raises ValueError as `frame` does."""
        self._sender = sender
        self._frame = way.frame()
        frame = self._frame
        self.data_header = sender.data_header + encode_frame(
            frame.type, frame.client, frame.payload
        )
        """What every datagram of DATA frames alone begins with."""

    def encode(self, frames: Sequence[Frame]) -> bytes:
        """One datagram. Raises ValueError when there is no frame, or one cannot be written."""
        if not frames:
            raise ValueError("a datagram in transit holds a frame besides that which says so")
        return self._sender.encode([self._frame, *frames])

    def encode_data(self, client: Address, payload: bytes) -> bytes:
        """One datagram of one DATA frame. Raises ValueError as `encode` does."""
        return self.data_header + encode_frame(FrameType.DATA, client, payload)


def _packed(layout: struct.Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise ValueError(f"a cluster is a u8 and an epoch a u64: {error}") from error
