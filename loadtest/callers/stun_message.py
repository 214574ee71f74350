"""The STUN of ICE, as callers need it: Binding requests, their answers, message integrity.

https://datatracker.ietf.org/doc/html/rfc8489
https://datatracker.ietf.org/doc/html/rfc8445#section-16.1
"""

import binascii
import hmac
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import ip_address

from loadtest.callers.address import Address

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLING = 0x802A

TRANSACTION_BYTES = 12

_COOKIE = 0x2112A442
_FINGERPRINT_XOR = 0x5354554E
_HEADER = struct.Struct(">HHI12s")
_ATTRIBUTE = struct.Struct(">HH")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_INTEGRITY_BYTES, _FINGERPRINT_BYTES = 24, 8
"""Of the whole attributes, their headers included."""


class StunError(ValueError):
    """The datagram is not a well-formed STUN message."""


class StunFamily(IntEnum):
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.1"""

    IPV4 = 1
    IPV6 = 2


@dataclass(frozen=True, slots=True)
class StunMessage:
    """What integrity covers of a message; nothing after MESSAGE-INTEGRITY is read."""

    message_type: int
    transaction_id: bytes
    username: bytes | None
    mapped_address: Address | None
    error_code: int | None
    priority: int | None
    use_candidate: bool
    integrity: bytes | None = field(repr=False)
    protected: bytes = field(repr=False)
    """What the integrity was computed over; empty without one."""

    def verify(self, password: bytes) -> bool:
        """Whether the sender knew `password`; False without MESSAGE-INTEGRITY."""
        if self.integrity is None:
            return False
        return hmac.compare_digest(hmac.digest(password, self.protected, "sha1"), self.integrity)


def binding_request(
    transaction_id: bytes,
    *,
    username: bytes,
    password: bytes,
    priority: int = 0x6E7F1EFF,
    tie_breaker: int = 1,
    use_candidate: bool = True,
) -> bytes:
    """A check by a controlling agent.

    `username` is the receiver's ufrag, a colon and the sender's; `password` is the receiver's.
    `priority` is of a peer-reflexive candidate unless given.
    """
    attributes = [
        _attribute(USERNAME, username),
        _attribute(ICE_CONTROLLING, _U64.pack(tie_breaker)),
        _attribute(PRIORITY, _U32.pack(priority)),
    ]
    if use_candidate:
        attributes.append(_attribute(USE_CANDIDATE, b""))
    return _sealed(BINDING_REQUEST, transaction_id, b"".join(attributes), password)


def binding_success(transaction_id: bytes, *, mapped: Address, password: bytes) -> bytes:
    """The answer to a check that came from `mapped`; `password` is the answering agent's."""
    value = _xored(mapped, transaction_id)
    return _sealed(BINDING_SUCCESS, transaction_id, _attribute(XOR_MAPPED_ADDRESS, value), password)


def parse(datagram: bytes) -> StunMessage:
    """Read one message that fills the datagram. Raises StunError."""
    if len(datagram) < _HEADER.size:
        raise StunError("shorter than a header")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(datagram)
    if message_type >> 14 or cookie != _COOKIE:
        raise StunError("not STUN")
    if length % 4 or _HEADER.size + length != len(datagram):
        raise StunError("its length is not the datagram's")
    attributes, integrity_at = _attributes(datagram)
    mapped, error = attributes.get(XOR_MAPPED_ADDRESS), attributes.get(ERROR_CODE)
    priority = attributes.get(PRIORITY)
    return StunMessage(
        message_type=message_type,
        transaction_id=transaction_id,
        username=attributes.get(USERNAME),
        mapped_address=None if mapped is None else _unxored(mapped, transaction_id),
        error_code=None if error is None else _error_code(error),
        priority=None if priority is None else int.from_bytes(priority, "big"),
        use_candidate=USE_CANDIDATE in attributes,
        integrity=attributes.get(MESSAGE_INTEGRITY),
        protected=b"" if integrity_at is None else _protected(datagram, integrity_at),
    )


def _attributes(datagram: bytes) -> tuple[dict[int, bytes], int | None]:
    """Values by type, up to MESSAGE-INTEGRITY, and where that begins; the first of each wins."""
    found: dict[int, bytes] = {}
    at = _HEADER.size
    while at < len(datagram):
        if at + _ATTRIBUTE.size > len(datagram):
            raise StunError("an attribute is cut short")
        kind, length = _ATTRIBUTE.unpack_from(datagram, at)
        start = at + _ATTRIBUTE.size
        if start + length > len(datagram):
            raise StunError("an attribute is cut short")
        found.setdefault(kind, datagram[start : start + length])
        if kind == MESSAGE_INTEGRITY:
            if length != _INTEGRITY_BYTES - _ATTRIBUTE.size:
                raise StunError("MESSAGE-INTEGRITY is not 20 bytes")
            return found, at
        if kind == FINGERPRINT:
            break
        at = start + (length + 3 & ~3)
    return found, None


def _protected(datagram: bytes, integrity_at: int) -> bytes:
    """The message up to its integrity, with the length that it had when that was computed.

    https://datatracker.ietf.org/doc/html/rfc8489#section-14.5
    """
    length = integrity_at + _INTEGRITY_BYTES - _HEADER.size
    return datagram[:2] + length.to_bytes(2, "big") + datagram[4:integrity_at]


def _sealed(message_type: int, transaction_id: bytes, body: bytes, password: bytes) -> bytes:
    """The whole message, with MESSAGE-INTEGRITY and FINGERPRINT."""
    length = len(body) + _INTEGRITY_BYTES
    protected = _HEADER.pack(message_type, length, _COOKIE, transaction_id) + body
    integrity = _attribute(MESSAGE_INTEGRITY, hmac.digest(password, protected, "sha1"))
    length += _FINGERPRINT_BYTES
    message = _HEADER.pack(message_type, length, _COOKIE, transaction_id) + body + integrity
    checksum = binascii.crc32(message) ^ _FINGERPRINT_XOR
    return message + _attribute(FINGERPRINT, _U32.pack(checksum))


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _xored(address: Address, transaction_id: bytes) -> bytes:
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.2"""
    host, port = address
    family = StunFamily.IPV6 if ":" in host else StunFamily.IPV4
    packed = _mask(ip_address(host).packed, transaction_id)
    return struct.pack(">xBH", family, port ^ _COOKIE >> 16) + packed


def _unxored(value: bytes, transaction_id: bytes) -> Address:
    if len(value) not in (8, 20):
        raise StunError("an address has a wrong length")
    _zero, family, port = struct.unpack_from(">BBH", value)
    if (family, len(value)) not in ((StunFamily.IPV4, 8), (StunFamily.IPV6, 20)):
        raise StunError("an address has a wrong family")
    return str(ip_address(_mask(value[4:], transaction_id))), port ^ _COOKIE >> 16


def _mask(packed: bytes, transaction_id: bytes) -> bytes:
    mask = (_U32.pack(_COOKIE) + transaction_id)[: len(packed)]
    return bytes(left ^ right for left, right in zip(packed, mask, strict=True))


def _error_code(value: bytes) -> int:
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.8"""
    if len(value) < 4:
        raise StunError("an error code is cut short")
    return (value[2] & 7) * 100 + value[3]
