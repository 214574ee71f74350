"""What a datagram is, read from its bytes: the compiled `antiphon_proto.demux`.

Bytes are an array of unsigned 8-bit numbers, with the position at which they start.
"""

from typing import Any

import numpy as np

from antiphon_proto.demux import PacketKind
from relay.fast.compiling import jit
from relay.fast.layouts import i64

STUN, DTLS, RTP, RTCP, OTHER = (
    list(PacketKind).index(kind)
    for kind in (
        PacketKind.STUN,
        PacketKind.DTLS,
        PacketKind.RTP,
        PacketKind.RTCP,
        PacketKind.OTHER,
    )
)
"""Kinds, numbered as the counters order them."""

NO_SSRC = -1

FRAME_BYTES = 3
"""Of a tunnel frame's header, before the client's address."""


@jit
def u16_at(data: Any, at: int) -> int:
    return i64(data[at]) << 8 | i64(data[at + 1])


@jit
def u32_at(data: Any, at: int) -> int:
    return u16_at(data, at) << 16 | u16_at(data, at + 2)


@jit
def u64_at(data: Any, at: int) -> Any:
    """An unsigned number; mind what it is mixed with."""
    return np.uint64(u32_at(data, at)) << np.uint64(32) | np.uint64(u32_at(data, at + 4))


@jit
def put_u16(data: Any, at: int, value: int) -> None:
    data[at] = value >> 8 & 0xFF
    data[at + 1] = value & 0xFF


@jit
def copy_bytes(target: Any, source: Any) -> None:
    """All of `source`, to the start of `target`."""
    for i in range(len(source)):
        target[i] = source[i]


@jit
def packet_kind(data: Any, at: int, length: int) -> int:
    """https://datatracker.ietf.org/doc/html/rfc7983#section-7"""
    if length < 2:
        return OTHER
    first = i64(data[at])
    if first <= 3:
        return STUN
    if 20 <= first <= 63:
        return DTLS
    if 128 <= first <= 191:
        return RTCP if 192 <= data[at + 1] <= 223 else RTP
    return OTHER


@jit
def ssrc_of(data: Any, at: int, length: int, kind: int) -> int:
    """The sender of media, or NO_SSRC in what is none or too short."""
    if kind == RTP and length >= 12:
        return u32_at(data, at + 8)
    if kind == RTCP and length >= 8:
        return u32_at(data, at + 4)
    return NO_SSRC
