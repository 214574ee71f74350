"""What the control frames of the tunnel carry; docs/wire/tunnel.md draws them.

Each is the payload of a frame of its type; the client that BIND and UNBIND are
about is the frame's own. `decode` raises `TunnelError` with the fault FRAME.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from antiphon_proto.address import ADDRESS_LENGTHS, Address, decode_address, encode_address
from antiphon_proto.tunnel import Frame, FrameType, TunnelError, TunnelFault

NO_CLIENT: Address = ("0.0.0.0", 0)  # noqa: S104
"""The client of a frame that is about none: all but BIND and UNBIND."""

MAX_SSRCS = 255
MAX_SIBLINGS = 255
MAX_LEASE_SOURCES = 4

_BIND = struct.Struct(">HBB")
_HELLO = struct.Struct(">QB")
_LEASE = struct.Struct(">QHHB")
_LEASE_ID = struct.Struct(">Q")
_PROBE = struct.Struct(">QB")
_CONFIRMED = 0x01
_SIGNALLED = 0x02


class UnbindReason(IntEnum):
    """Why an owner gives an address up."""

    CLOSED = 0
    """The call is over."""
    MOVED = 1
    """The client speaks from another address by now."""
    LOST = 2
    """The client stopped answering."""


@dataclass(frozen=True, slots=True)
class Bind:
    """An owner's claim: what this client sends goes to the tunnel address this came from."""

    TYPE: ClassVar[FrameType] = FrameType.BIND

    lifetime: int
    """Seconds until the binding ends unless it is refreshed, 0..65535."""
    confirmed: bool
    """Whether the client proved that it receives there; else the binding is provisional."""
    ssrcs: tuple[int, ...]
    """RTP sources that the client announced, at most 255."""
    signalled: bool = False
    """Whether signaling named the address, of a client that will never prove anything; not if
    it is confirmed."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        if self.signalled and self.confirmed:
            raise ValueError("BIND: what is confirmed is not merely signalled")
        flags = _CONFIRMED * self.confirmed | _SIGNALLED * self.signalled
        try:
            fixed = _BIND.pack(self.lifetime, flags, len(self.ssrcs))
            return fixed + struct.pack(f">{len(self.ssrcs)}I", *self.ssrcs)
        except struct.error as error:
            raise ValueError(f"BIND: {error}") from error

    @classmethod
    def decode(cls, payload: bytes) -> "Bind":
        if len(payload) < _BIND.size:
            raise TunnelError(TunnelFault.FRAME)
        lifetime, flags, count = _BIND.unpack_from(payload)
        if flags > _SIGNALLED or len(payload) != _BIND.size + 4 * count:
            raise TunnelError(TunnelFault.FRAME)
        ssrcs = struct.unpack_from(f">{count}I", payload, _BIND.size)
        return cls(lifetime, flags == _CONFIRMED, ssrcs, flags == _SIGNALLED)


@dataclass(frozen=True, slots=True)
class Unbind:
    """An owner's end of a claim."""

    TYPE: ClassVar[FrameType] = FrameType.UNBIND

    reason: UnbindReason

    def encode(self) -> bytes:
        return bytes((self.reason,))

    @classmethod
    def decode(cls, payload: bytes) -> "Unbind":
        if len(payload) != 1 or payload[0] >= len(UnbindReason):
            raise TunnelError(TunnelFault.FRAME)
        return cls(UnbindReason(payload[0]))


@dataclass(frozen=True, slots=True)
class Reset:
    """An owner's first word: bindings to its tunnel address from other incarnations are void."""

    TYPE: ClassVar[FrameType] = FrameType.RESET

    incarnation: int
    """0..255, as in the ufrags that the owner mints."""

    def encode(self) -> bytes:
        """Raises ValueError when the incarnation is no u8."""
        return bytes((self.incarnation,))

    @classmethod
    def decode(cls, payload: bytes) -> "Reset":
        if len(payload) != 1:
            raise TunnelError(TunnelFault.FRAME)
        return cls(payload[0])


@dataclass(frozen=True, slots=True)
class Hello:
    """A probe of a relay worker, and its answer with the same nonce."""

    TYPE: ClassVar[FrameType] = FrameType.HELLO

    nonce: int
    """64 bits chosen by who probes; 0 in a greeting that answers nothing."""
    siblings: tuple[Address, ...]
    """Tunnel addresses of the sender's process group, at most 255."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        try:
            fixed = _HELLO.pack(self.nonce, len(self.siblings))
        except struct.error as error:
            raise ValueError(f"HELLO: {error}") from error
        return fixed + b"".join(map(encode_address, self.siblings))

    @classmethod
    def decode(cls, payload: bytes) -> "Hello":
        if len(payload) < _HELLO.size:
            raise TunnelError(TunnelFault.FRAME)
        nonce, count = _HELLO.unpack_from(payload)
        siblings = tuple(_addresses(payload[_HELLO.size :]))
        if len(siblings) != count:
            raise TunnelError(TunnelFault.FRAME)
        return cls(nonce, siblings)


@dataclass(frozen=True, slots=True)
class Lease:
    """An owner asks for one of a relay worker's extra ports, or for one that it has."""

    TYPE: ClassVar[FrameType] = FrameType.LEASE

    id: int
    """64 bits that the owner chose for this lease."""
    lifetime: int
    """Seconds until the lease ends unless it is asked for again, 0..65535."""
    port: int
    """The port; 0 for any that is free."""
    sources: tuple[Address, ...]
    """From where the port is heard, at most 4: an address; with port 0 any port of a host; with
    host 0.0.0.0 or :: anybody. Only to addresses named whole does it send."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        if len(self.sources) > MAX_LEASE_SOURCES:
            raise ValueError(f"LEASE: more than {MAX_LEASE_SOURCES} sources")
        try:
            fixed = _LEASE.pack(self.id, self.lifetime, self.port, len(self.sources))
        except struct.error as error:
            raise ValueError(f"LEASE: {error}") from error
        return fixed + b"".join(map(encode_address, self.sources))

    @classmethod
    def decode(cls, payload: bytes) -> "Lease":
        if len(payload) < _LEASE.size:
            raise TunnelError(TunnelFault.FRAME)
        id_, lifetime, port, count = _LEASE.unpack_from(payload)
        sources = tuple(_addresses(payload[_LEASE.size :]))
        if len(sources) != count or count > MAX_LEASE_SOURCES:
            raise TunnelError(TunnelFault.FRAME)
        return cls(id_, lifetime, port, sources)


@dataclass(frozen=True, slots=True)
class Leased:
    """A relay worker's answer to a LEASE."""

    TYPE: ClassVar[FrameType] = FrameType.LEASED

    id: int
    address: Address
    """Where the port is reached: host 0.0.0.0 or :: where clients reach the relay; port 0 when
    there is none to be had."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        try:
            return _LEASE_ID.pack(self.id) + encode_address(self.address)
        except struct.error as error:
            raise ValueError(f"LEASED: {error}") from error

    @classmethod
    def decode(cls, payload: bytes) -> "Leased":
        addresses = tuple(_addresses(payload[_LEASE_ID.size :]))
        if len(addresses) != 1:
            raise TunnelError(TunnelFault.FRAME)
        (id_,) = _LEASE_ID.unpack_from(payload)
        return cls(id_, addresses[0])


@dataclass(frozen=True, slots=True)
class Release:
    """An owner's end of a lease."""

    TYPE: ClassVar[FrameType] = FrameType.RELEASE

    id: int

    def encode(self) -> bytes:
        """Raises ValueError when the id is no u64."""
        try:
            return _LEASE_ID.pack(self.id)
        except struct.error as error:
            raise ValueError(f"RELEASE: {error}") from error

    @classmethod
    def decode(cls, payload: bytes) -> "Release":
        if len(payload) != _LEASE_ID.size:
            raise TunnelError(TunnelFault.FRAME)
        return cls(*_LEASE_ID.unpack(payload))


@dataclass(frozen=True, slots=True)
class Probe:
    """A relay worker asks one of another cluster whether it is there."""

    TYPE: ClassVar[FrameType] = FrameType.PROBE

    nonce: int
    """64 bits chosen by who probes."""
    cluster: int
    """The cluster that is meant, 0..255: no other one answers."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        try:
            return _PROBE.pack(self.nonce, self.cluster)
        except struct.error as error:
            raise ValueError(f"PROBE: {error}") from error

    @classmethod
    def decode(cls, payload: bytes) -> "Probe":
        if len(payload) != _PROBE.size:
            raise TunnelError(TunnelFault.FRAME)
        return cls(*_PROBE.unpack(payload))


@dataclass(frozen=True, slots=True)
class Probed:
    """The answer to a PROBE, which nobody answers."""

    TYPE: ClassVar[FrameType] = FrameType.PROBED

    nonce: int
    """The probe's."""
    siblings: tuple[Address, ...]
    """What other clusters call the tunnel sockets of the sender's process group, at most 255."""

    def encode(self) -> bytes:
        """Raises ValueError when a value does not fit its field."""
        return Hello(self.nonce, self.siblings).encode()

    @classmethod
    def decode(cls, payload: bytes) -> "Probed":
        hello = Hello.decode(payload)
        return cls(hello.nonce, hello.siblings)


ControlMessage = Bind | Unbind | Reset | Hello | Lease | Leased | Release | Probe | Probed

_MESSAGES: dict[FrameType, type[ControlMessage]] = {
    message.TYPE: message
    for message in (Bind, Unbind, Reset, Hello, Lease, Leased, Release, Probe, Probed)
}


def control_frame(message: ControlMessage, client: Address = NO_CLIENT) -> Frame:
    """The frame that carries a message. Raises ValueError as the message's `encode` does."""
    return Frame(message.TYPE, client, message.encode())


def control_message(frame: Frame) -> ControlMessage:
    """What a control frame carries. Raises TunnelError, for a DATA frame too."""
    message = _MESSAGES.get(frame.type)
    if message is None:
        raise TunnelError(TunnelFault.FRAME)
    return message.decode(frame.payload)


def _addresses(encoded: bytes) -> Iterator[Address]:
    position = 0
    while position < len(encoded):
        length = ADDRESS_LENGTHS.get(encoded[position])
        if length is None or position + length > len(encoded):
            raise TunnelError(TunnelFault.FRAME)
        yield decode_address(encoded[position : position + length])
        position += length
