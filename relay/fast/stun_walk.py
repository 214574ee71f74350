"""What the relay must know of a STUN message: the compiled part of `antiphon_proto.stun`.

It accepts exactly what `stun.parse` accepts. Integrity is left to Python.
"""

from typing import Any

import numpy as np

from antiphon_proto.stun import (
    BINDING,
    ERROR_CODE,
    FINGERPRINT,
    ICE_CONTROLLED,
    ICE_CONTROLLING,
    MESSAGE_INTEGRITY,
    PRIORITY,
    USE_CANDIDATE,
    USERNAME,
    XOR_MAPPED_ADDRESS,
)
from relay.fast.compiling import jit
from relay.fast.layouts import i64
from relay.fast.packet import u16_at, u32_at
from relay.flows import NO_UFRAG

MALFORMED = -1
NO_REQUEST = -2
"""A well-formed message that is no request."""

_HEADER_BYTES = 20
_COOKIE = 0x2112A442
_FINGERPRINT_XOR = 0x5354554E
_ABSENT = -1
_COLON = 0x3A
_CRC_POLYNOMIAL = 0xEDB88320


def _crc_table() -> Any:
    remainders = np.arange(256, dtype=np.int64)
    for _ in range(8):
        remainders = remainders >> 1 ^ (remainders & 1) * _CRC_POLYNOMIAL
    return remainders


_CRC = _crc_table()


@jit
def crc32(data: Any, at: int, end: int) -> int:
    """As `binascii.crc32`."""
    crc = i64(0xFFFFFFFF)
    for position in range(at, end):
        crc = crc >> 8 ^ _CRC[(crc ^ i64(data[position])) & 0xFF]
    return crc ^ 0xFFFFFFFF


@jit
def walk_stun(data: Any, at: int, length: int) -> int:
    """The mark of a Binding request's ufrag, as a flow remembers it; NO_UFRAG for a
    request that names none or is no Binding request; or one of the numbers above."""
    if length < _HEADER_BYTES or u32_at(data, at + 4) != _COOKIE:
        return MALFORMED
    message_type, body = u16_at(data, at), u16_at(data, at + 2)
    if message_type & 0xC000 or body % 4 or body != length - _HEADER_BYTES:
        return MALFORMED
    protected = True
    username_at = address_at = error_at = _ABSENT
    position, end = at + _HEADER_BYTES, at + length
    while position < end:
        kind, size = u16_at(data, position), u16_at(data, position + 2)
        following = position + 4 + (size + 3 & ~3)
        if following > end:
            return MALFORMED
        if kind == FINGERPRINT:
            if not _fingerprint_matches(data, at, position, size, end):
                return MALFORMED
        elif protected:
            if not _right_size(kind, size):
                return MALFORMED
            if kind == MESSAGE_INTEGRITY:
                protected = False
            elif kind == USERNAME and username_at == _ABSENT:
                username_at = position
            elif kind == XOR_MAPPED_ADDRESS and address_at == _ABSENT:
                address_at = position
            elif kind == ERROR_CODE and error_at == _ABSENT:
                error_at = position
        position = following
    if not (_address_reads(data, address_at) and _error_reads(data, error_at)):
        return MALFORMED
    if message_type & 0x0110:
        return NO_REQUEST
    return _ufrag_mark(data, username_at) if message_type == BINDING else NO_UFRAG


@jit
def _right_size(kind: int, size: int) -> bool:
    if kind == MESSAGE_INTEGRITY:
        return size == 20
    if kind in (ICE_CONTROLLED, ICE_CONTROLLING):
        return size == 8
    if kind == PRIORITY:
        return size == 4
    return kind != USE_CANDIDATE or size == 0


@jit
def _fingerprint_matches(data: Any, at: int, position: int, size: int, end: int) -> bool:
    if size != 4 or position + 8 != end:
        return False
    return crc32(data, at, position) ^ _FINGERPRINT_XOR == u32_at(data, position + 4)


@jit
def _address_reads(data: Any, at: int) -> bool:
    if at == _ABSENT:
        return True
    size = u16_at(data, at + 2)
    return (size == 8 and data[at + 5] == 1) or (size == 20 and data[at + 5] == 2)


@jit
def _error_reads(data: Any, at: int) -> bool:
    if at == _ABSENT:
        return True
    if u16_at(data, at + 2) < 4:
        return False
    return bool(3 <= data[at + 6] & 7 <= 6 and data[at + 7] <= 99)


@jit
def _ufrag_mark(data: Any, at: int) -> int:
    """As `flows.ufrag_mark`, in the 32 bits that a flow has for it."""
    if at == _ABSENT:
        return NO_UFRAG
    start = at + 4
    for position in range(start, start + u16_at(data, at + 2)):
        if data[position] == _COLON:
            return crc32(data, start, position) + 1 & 0xFFFFFFFF
    return NO_UFRAG
