"""Tunnel datagrams and control messages: what is accepted encodes to the same bytes."""

import contextlib
import hashlib
from itertools import count

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import (
    HEADER_BYTES,
    TRANSIT_TYPES,
    Frame,
    FrameType,
    TunnelError,
    TunnelReceiver,
    TunnelSender,
    port_payload,
    split_port_payload,
)
from antiphon_proto.tunnel_control import (
    Bind,
    Hello,
    Lease,
    Leased,
    Probe,
    Probed,
    Release,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
    control_message,
)
from antiphon_proto.tunnel_transit import FromOwner, FromRelay, ToOwner, ToRelay, read_transit

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
MAC_KEY = KEYS.derive("tunnel mac")
EPOCH = 0x1122334455667788
RECEIVER: Address = ("192.0.2.10", 40001)
CLIENT: Address = ("203.0.113.9", 50000)
DATA = Frame(FrameType.DATA, CLIENT, b"\x80\x78 a packet")
DATA_IPV6 = Frame(FrameType.DATA, ("2001:db8::9", 50001), b"\x80\x78 a packet")
CONTROL = [
    control_frame(Bind(60, True, (1, 2)), CLIENT),
    control_frame(Unbind(UnbindReason.MOVED), CLIENT),
    control_frame(Reset(3)),
    control_frame(Hello(9, (RECEIVER, ("2001:db8::9", 50001)))),
    control_frame(Lease(9, 30, 40_000, (CLIENT, ("2001:db8::9", 0)))),
    control_frame(Leased(9, RECEIVER)),
    control_frame(Release(9)),
    control_frame(Probe(9, 2)),
    control_frame(Probed(9, (RECEIVER,))),
]
WAYS = [
    ToOwner(RECEIVER, 2, ("2001:db8::9", 50001)),
    FromRelay(RECEIVER, EPOCH),
    ToRelay(CLIENT),
    FromOwner(RECEIVER, 2, EPOCH),
]
PORT_DATA = Frame(FrameType.PORT_DATA, CLIENT, port_payload(40_000, b"\x80\x78 a packet"))
UNPROTECTED = {FrameType.DATA, FrameType.PORT_DATA} | TRANSIT_TYPES
COUNTER = 1
SENDER = TunnelSender(KEYS, EPOCH, RECEIVER, count(COUNTER))
SEEDS = [
    SENDER.encode(CONTROL),
    SENDER.encode([DATA]),
    SENDER.encode([DATA, DATA_IPV6]),
    SENDER.encode([PORT_DATA, DATA]),
    *(SENDER.encode([way.frame(), DATA]) for way in WAYS),
    TunnelSender(KEYS, EPOCH, RECEIVER, count(COUNTER)).encode([WAYS[-1].frame(), *CONTROL]),
    b"".join(frame.payload for frame in CONTROL),
    *(frame.payload for frame in CONTROL),
]
CONTROL_HEADER, DATA_HEADER = (seed[:HEADER_BYTES] for seed in SEEDS[:2])


def one_input(data: bytes) -> None:
    _decode(data)
    _decode(DATA_HEADER + data[HEADER_BYTES:])
    _decode(_protected(data[HEADER_BYTES:]))
    for type_ in FrameType:
        with contextlib.suppress(TunnelError):
            assert control_message(Frame(type_, CLIENT, data)).encode() == data
        with contextlib.suppress(TunnelError):
            way = read_transit(Frame(type_, CLIENT, data))
            assert way is None or way.frame().payload == data


def _protected(body: bytes) -> bytes:
    """Arbitrary frames with a good MAC, as no forger could make them."""
    covered = CONTROL_HEADER + body + COUNTER.to_bytes(8, "big")
    return covered + hashlib.blake2b(covered, key=MAC_KEY, digest_size=16).digest()


def _decode(datagram: bytes) -> None:
    with contextlib.suppress(TunnelError):
        epoch, frames = TunnelReceiver(KEYS, RECEIVER).decode(datagram)
        assert epoch == EPOCH
        if any(frame.type not in UNPROTECTED for frame in frames):
            assert TunnelSender(KEYS, epoch, RECEIVER, count(COUNTER)).encode(frames) == datagram
        for frame in frames:
            with contextlib.suppress(TunnelError):
                control_message(frame)
            with contextlib.suppress(TunnelError):
                assert port_payload(*split_port_payload(frame.payload)) == frame.payload
