"""The tunnel between relay and transceiver workers: client packets with their address.

docs/wire/tunnel.md draws the format and gives the receiver's steps. Each
direction of each pair of sockets is one `TunnelSender` and a share of one
`TunnelReceiver`; control frames' payloads are in `tunnel_control`.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import count

from antiphon_proto.address import ADDRESS_LENGTHS, Address, decode_address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys, KeyConfig
from antiphon_proto.replay_window import ReplayWindow

VERSION = 1
CONTROL = 0x01
"""Flag: the datagram holds control frames, and ends with a counter and a MAC."""

HEADER_BYTES = 20
TAG_BYTES = 8
COUNTER_BYTES = 8
MAC_BYTES = 16
MAX_PAYLOAD = 0xFFFF
MAX_HEADERS = 4096
"""Verified headers that a receiver remembers, two a sender; the oldest make room."""

_HEADER = struct.Struct(">BBHQ8s")
_CONFIG_ID_AT = 1
_FRAME = struct.Struct(">HB")
_U64 = struct.Struct(">Q")
_TRAILER_BYTES = COUNTER_BYTES + MAC_BYTES

# One for the process: a sender that is dropped and made again goes on where it was.
_COUNTERS = count(1)


class TunnelFault(Enum):
    """Why a tunnel datagram was refused."""

    TRUNCATED = "truncated"
    VERSION = "version"
    TAG = "tag"
    MAC = "mac"
    REPLAY = "replay"
    FRAME = "frame"


class TunnelError(ValueError):
    """A tunnel datagram cannot be accepted."""

    def __init__(self, fault: TunnelFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class FrameType(IntEnum):
    """What a frame's payload is; all but DATA, PORT_DATA and those of transit are control
    frames."""

    DATA = 0
    """A client's packet, as it came or as it shall go."""
    BIND = 1
    UNBIND = 2
    RESET = 3
    HELLO = 4
    LEASE = 5
    LEASED = 6
    RELEASE = 7
    PORT_DATA = 8
    """The same as DATA over a leased port: its number in 2 bytes, then the packet."""
    TO_OWNER = 9
    """With this and the next three begins a datagram in transit: see `tunnel_transit`."""
    FROM_RELAY = 10
    TO_RELAY = 11
    FROM_OWNER = 12
    PROBE = 13
    """Between relays of different clusters, as HELLO is between owners and relays."""
    PROBED = 14


TRANSIT_TYPES = frozenset(
    (FrameType.TO_OWNER, FrameType.FROM_RELAY, FrameType.TO_RELAY, FrameType.FROM_OWNER)
)
"""Of the first frame of a datagram in transit."""

MAX_TRANSIT_BYTES = 3 + 19 + 20
"""Of such a frame: the longest is TO_OWNER, with two IPv6 addresses."""

_FRAME_TYPES = tuple(FrameType)
_UNPROTECTED = frozenset((FrameType.DATA, FrameType.PORT_DATA)) | TRANSIT_TYPES
_PORT = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload and the client that it came from, goes to, or is about."""

    type: FrameType
    client: Address
    payload: bytes


class TunnelSender:
    """Encodes what one socket, in one life (`epoch`), sends to one receiver."""

    def __init__(
        self,
        keys: ClusterKeys,
        epoch: int,
        receiver: Address,
        counters: Iterator[int] = _COUNTERS,
    ) -> None:
        """`counters` never repeat or fall within an epoch, whichever receiver they go to.

        Raises ValueError when the epoch is no u64 or the receiver no IP address.
        """
        config = keys.first
        if not 0 <= epoch < 1 << 64:
            raise ValueError("an epoch is 64 bits")
        tag = _tag(_tag_key(config), epoch, encode_address(receiver))
        self.data_header = _HEADER.pack(VERSION << 4, config.id, 0, epoch, tag)
        """What every datagram of DATA frames alone begins with, `HEADER_BYTES` long."""
        self._control_header = _HEADER.pack(VERSION << 4 | CONTROL, config.id, 0, epoch, tag)
        self._mac_key = _mac_key(config)
        self._counters = counters

    def encode(self, frames: Sequence[Frame]) -> bytes:
        """One datagram of one or more frames; with a control frame among them it is protected.

        Raises ValueError when there is no frame, or one cannot be written.
        """
        if not frames:
            raise ValueError("a datagram holds at least one frame")
        body = b"".join(encode_frame(frame.type, frame.client, frame.payload) for frame in frames)
        if all(frame.type in _UNPROTECTED for frame in frames):
            return self.data_header + body
        covered = self._control_header + body + _U64.pack(next(self._counters))
        return covered + _mac(self._mac_key, covered)

    def encode_data(self, client: Address, payload: bytes) -> bytes:
        """One datagram of one DATA frame. Raises ValueError as `encode` does."""
        return self.data_header + encode_frame(FrameType.DATA, client, payload)


@dataclass(frozen=True, slots=True)
class _Sender:
    """What a verified header says."""

    epoch: int
    control: bool
    mac_key: bytes
    window: ReplayWindow


class TunnelReceiver:
    """Decodes what arrives at one tunnel socket, from any sender of the deployment."""

    def __init__(self, keys: ClusterKeys, *addresses: Address) -> None:
        """`addresses` are this socket's own, as senders name it: the tag covers one of them.

        Raises ValueError when one is no IP address.
        """
        self._addresses = [encode_address(address) for address in addresses]
        self._keys = _receiver_keys(keys)
        self._senders: dict[bytes, _Sender] = {}

    def use_keys(self, keys: ClusterKeys) -> None:
        """Accept what these keys made, and nothing else, from now on.

        Under a config that stays nothing is accepted twice for it.
        """
        before, self._keys = self._keys, _receiver_keys(keys)
        stay = {id_ for id_, pair in self._keys.items() if before.get(id_) == pair}
        self._senders = {
            header: sender
            for header, sender in self._senders.items()
            if header[_CONFIG_ID_AT] in stay
        }

    def decode(self, datagram: bytes) -> tuple[int, list[Frame]]:
        """The sender's epoch and its frames. Raises TunnelError."""
        header = datagram[:HEADER_BYTES]
        # A sender's headers are constant. A forger cannot learn one byte by byte from
        # this look-up's time: equal keyed hashes come before any comparison.
        sender = self._senders.get(header)
        if sender is None:
            sender = self._verify_header(header)
            self._remember(header, sender)
        end = _check_control(sender, datagram) if sender.control else len(datagram)
        return sender.epoch, _decode_frames(datagram, end, control=sender.control)

    def remembers(self, header: bytes) -> bool:
        """Whether these `HEADER_BYTES` were verified, in an earlier datagram."""
        return header in self._senders

    def _verify_header(self, header: bytes) -> _Sender:
        if len(header) < HEADER_BYTES:
            raise TunnelError(TunnelFault.TRUNCATED)
        version_flags, config_id, reserved, epoch, tag = _HEADER.unpack(header)
        if version_flags & ~CONTROL != VERSION << 4 or reserved:
            raise TunnelError(TunnelFault.VERSION)
        tag_key, mac_key = self._keys.get(config_id, (None, b""))
        if tag_key is None or not self._is_ours(tag, tag_key, epoch):
            raise TunnelError(TunnelFault.TAG)
        return _Sender(epoch, bool(version_flags & CONTROL), mac_key, ReplayWindow())

    def _is_ours(self, tag: bytes, tag_key: bytes, epoch: int) -> bool:
        """Whether it was made for one of our addresses."""
        tags = (_tag(tag_key, epoch, each) for each in self._addresses)
        return any(hmac.compare_digest(tag, each) for each in tags)

    def _remember(self, header: bytes, sender: _Sender) -> None:
        if len(self._senders) >= MAX_HEADERS:
            del self._senders[next(iter(self._senders))]
        self._senders[header] = sender


def _check_control(sender: _Sender, datagram: bytes) -> int:
    """Where the frames of a protected datagram end, once its MAC and counter are good."""
    end = len(datagram) - _TRAILER_BYTES
    if end < HEADER_BYTES:
        raise TunnelError(TunnelFault.TRUNCATED)
    covered, mac = datagram[:-MAC_BYTES], datagram[-MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(sender.mac_key, covered)):
        raise TunnelError(TunnelFault.MAC)
    (counter,) = _U64.unpack_from(datagram, end)
    if not sender.window.accept(counter):
        raise TunnelError(TunnelFault.REPLAY)
    return end


def encode_frame(type_: FrameType, client: Address, payload: bytes) -> bytes:
    """One frame. Raises ValueError when the payload is too long, or `client` no IP address."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("a payload is at most 65535 bytes")
    return _FRAME.pack(len(payload), type_) + encode_address(client) + payload


def first_frame_end(datagram: bytes) -> int:
    """Where the first frame of a datagram that was decoded ends."""
    length, _type = _FRAME.unpack_from(datagram, HEADER_BYTES)
    address_at = HEADER_BYTES + _FRAME.size
    return int(address_at + ADDRESS_LENGTHS[datagram[address_at]] + length)


def port_payload(port: int, datagram: bytes) -> bytes:
    """The payload of a PORT_DATA frame. Raises ValueError when the port is no u16."""
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port must be from 0 to 65535, not {port}")
    return _PORT.pack(port) + datagram


def split_port_payload(payload: bytes) -> tuple[int, bytes]:
    """The leased port of a PORT_DATA frame, and the packet. Raises TunnelError."""
    if len(payload) < _PORT.size:
        raise TunnelError(TunnelFault.FRAME)
    return int.from_bytes(payload[: _PORT.size], "big"), payload[_PORT.size :]


def _decode_frames(datagram: bytes, end: int, *, control: bool) -> list[Frame]:
    """The frames between the header and `end`; control frames only where they are protected."""
    frames: list[Frame] = []
    position = HEADER_BYTES
    while position < end:
        if end - position <= _FRAME.size:
            raise TunnelError(TunnelFault.TRUNCATED)
        length, type_ = _FRAME.unpack_from(datagram, position)
        address_at = position + _FRAME.size
        address_length = ADDRESS_LENGTHS.get(datagram[address_at])
        unprotected = type_ in _UNPROTECTED
        if address_length is None or type_ >= len(_FRAME_TYPES) or not (control or unprotected):
            raise TunnelError(TunnelFault.FRAME)
        payload_at = address_at + address_length
        position = payload_at + length
        if position > end:
            raise TunnelError(TunnelFault.TRUNCATED)
        if type_ in TRANSIT_TYPES and frames:
            raise TunnelError(TunnelFault.FRAME)
        client = decode_address(datagram[address_at:payload_at])
        frames.append(Frame(_FRAME_TYPES[type_], client, datagram[payload_at:position]))
    if not frames or (len(frames) == 1 and frames[0].type in TRANSIT_TYPES):
        raise TunnelError(TunnelFault.FRAME)
    return frames


def _receiver_keys(keys: ClusterKeys) -> dict[int, tuple[bytes, bytes]]:
    return {config.id: (_tag_key(config), _mac_key(config)) for config in keys.configs}


def _tag_key(config: KeyConfig) -> bytes:
    return config.derive("tunnel tag")


def _mac_key(config: KeyConfig) -> bytes:
    return config.derive("tunnel mac")


def _tag(key: bytes, epoch: int, receiver: bytes) -> bytes:
    covered = _U64.pack(epoch) + receiver
    return hashlib.blake2b(covered, key=key, digest_size=TAG_BYTES).digest()


def _mac(key: bytes, covered: bytes) -> bytes:
    return hashlib.blake2b(covered, key=key, digest_size=MAC_BYTES).digest()
