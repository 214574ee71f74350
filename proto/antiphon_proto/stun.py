"""The STUN of ICE: Binding requests, their answers, and short-term message integrity.

The only parser of STUN in the system, so that no two tiers can disagree about
who sent a message: the relay routes, and the transceiver answers, by the same
reading of the same bytes.

https://datatracker.ietf.org/doc/html/rfc8489
https://datatracker.ietf.org/doc/html/rfc8445#section-16.1
"""

import binascii
import hmac
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from antiphon_proto.address import Address, pack_host, unpack_host

BINDING = 1

MAPPED_ADDRESS = 0x0001
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

_UNDERSTOOD = {
    MAPPED_ADDRESS,
    USERNAME,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    XOR_MAPPED_ADDRESS,
    PRIORITY,
    USE_CANDIDATE,
}

_LENGTHS = {
    MESSAGE_INTEGRITY: 20,
    PRIORITY: 4,
    USE_CANDIDATE: 0,
    ICE_CONTROLLED: 8,
    ICE_CONTROLLING: 8,
}

_COOKIE = 0x2112A442
_FINGERPRINT_XOR = 0x5354554E
_FAMILIES = {4: 1, 16: 2}

_HEADER = struct.Struct(">HHI12s")
_TYPE_LENGTH = struct.Struct(">HH")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_FAMILY_PORT = struct.Struct(">xBH")
_ERROR = struct.Struct(">HBB")


class StunError(ValueError):
    """The datagram is not a well-formed STUN message."""


class StunClass(IntEnum):
    """https://datatracker.ietf.org/doc/html/rfc8489#section-5"""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


_CLASSES = tuple(StunClass)


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A well-formed message; its properties read what integrity can cover, None when absent."""

    message_class: StunClass
    method: int
    transaction_id: bytes
    """12 bytes."""
    attributes: Mapping[int, bytes] = field(repr=False)
    """Values by type, without FINGERPRINT and what follows MESSAGE-INTEGRITY; the first wins."""
    mapped_address: Address | None
    """Of XOR-MAPPED-ADDRESS, in clear."""
    error_code: int | None
    integrity: bytes | None = field(repr=False)
    """The 20 bytes of MESSAGE-INTEGRITY, not verified yet."""
    protected: bytes = field(repr=False)
    """What the integrity was computed over; empty without one."""

    @property
    def username(self) -> bytes | None:
        return self.attributes.get(USERNAME)

    @property
    def local_ufrag(self) -> bytes | None:
        """The receiver's part of a request's USERNAME, before the colon."""
        ufrag, colon, _peer = self.attributes.get(USERNAME, b"").partition(b":")
        return ufrag if colon else None

    @property
    def priority(self) -> int | None:
        return self._number(PRIORITY)

    @property
    def use_candidate(self) -> bool:
        return USE_CANDIDATE in self.attributes

    @property
    def ice_controlling(self) -> int | None:
        """The sender's tie breaker, when it claims that role."""
        return self._number(ICE_CONTROLLING)

    @property
    def ice_controlled(self) -> int | None:
        """The sender's tie breaker, when it claims that role."""
        return self._number(ICE_CONTROLLED)

    @property
    def unknown_required(self) -> tuple[int, ...]:
        """Attribute types that the sender demands be understood, and that are not."""
        return tuple(kind for kind in self.attributes if kind < 0x8000 and kind not in _UNDERSTOOD)

    @property
    def has_integrity(self) -> bool:
        return self.integrity is not None

    def verify(self, password: bytes) -> bool:
        """Whether the sender knew `password`; False without MESSAGE-INTEGRITY."""
        if self.integrity is None:
            return False
        return hmac.compare_digest(hmac.digest(password, self.protected, "sha1"), self.integrity)

    def _number(self, kind: int) -> int | None:
        value = self.attributes.get(kind)
        return None if value is None else int.from_bytes(value, "big")


def parse(datagram: bytes) -> StunMessage:
    """Read one message that fills the datagram. Raises StunError."""
    if len(datagram) < _HEADER.size:
        raise StunError("shorter than a header")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(datagram)
    if message_type & 0xC000 or cookie != _COOKIE:
        raise StunError("not STUN")
    if length % 4 or length != len(datagram) - _HEADER.size:
        raise StunError("the length does not match the datagram")
    attributes, integrity_at = _split(datagram)
    integrity, protected = None, b""
    if integrity_at is not None:
        integrity = datagram[integrity_at + 4 : integrity_at + 24]
        protected = _protected(datagram[:integrity_at])
    return StunMessage(
        _CLASSES[message_type >> 7 & 2 | message_type >> 4 & 1],
        message_type & 0xF | message_type >> 1 & 0x70 | message_type >> 2 & 0xF80,
        transaction_id,
        attributes,
        _xor_address(attributes.get(XOR_MAPPED_ADDRESS), transaction_id),
        _error_code(attributes.get(ERROR_CODE)),
        integrity,
        protected,
    )


def binding_request(
    transaction_id: bytes,
    *,
    username: bytes,
    password: bytes,
    priority: int,
    tie_breaker: int,
    controlling: bool,
    use_candidate: bool = False,
) -> bytes:
    """A connectivity check. https://datatracker.ietf.org/doc/html/rfc8445#section-7.2.2"""
    attributes = [
        (USERNAME, username),
        (ICE_CONTROLLING if controlling else ICE_CONTROLLED, _U64.pack(tie_breaker)),
        (PRIORITY, _U32.pack(priority)),
    ]
    if use_candidate:
        attributes.append((USE_CANDIDATE, b""))
    return _message(StunClass.REQUEST, transaction_id, attributes, password)


def binding_success(transaction_id: bytes, *, mapped: Address, password: bytes) -> bytes:
    """The answer to a check that came from `mapped`."""
    attributes = [(XOR_MAPPED_ADDRESS, _encode_xor_address(mapped, transaction_id))]
    return _message(StunClass.SUCCESS, transaction_id, attributes, password)


def binding_error(
    transaction_id: bytes,
    *,
    code: int,
    reason: str,
    password: bytes,
    unknown_attributes: tuple[int, ...] = (),
) -> bytes:
    """The refusal of a check, such as 487 (role conflict) or 420 (unknown attributes)."""
    attributes = [(ERROR_CODE, _ERROR.pack(0, *divmod(code, 100)) + reason.encode())]
    if unknown_attributes:
        types = struct.pack(f">{len(unknown_attributes)}H", *unknown_attributes)
        attributes.append((UNKNOWN_ATTRIBUTES, types))
    return _message(StunClass.ERROR, transaction_id, attributes, password)


def _split(datagram: bytes) -> tuple[dict[int, bytes], int | None]:
    """The first value of each attribute that integrity can cover, and where integrity starts.

    "With the exception of the MESSAGE-INTEGRITY-SHA256 and FINGERPRINT attributes, which
    appear after MESSAGE-INTEGRITY, agents MUST ignore all other attributes that follow
    MESSAGE-INTEGRITY": anyone on the path can add those.
    https://datatracker.ietf.org/doc/html/rfc8489#section-14.5
    """
    attributes: dict[int, bytes] = {}
    integrity_at: int | None = None
    position, end = _HEADER.size, len(datagram)
    while position < end:
        kind, size = _TYPE_LENGTH.unpack_from(datagram, position)
        value_at = position + 4
        following = value_at + (size + 3 & ~3)
        if following > end:
            raise StunError("an attribute ends after the message")
        if kind == FINGERPRINT:
            _check_fingerprint(datagram, position, size)
        elif integrity_at is None:
            if _LENGTHS.get(kind, size) != size:
                raise StunError("an attribute has the wrong length")
            if kind == MESSAGE_INTEGRITY:
                integrity_at = position
            elif kind not in attributes:
                attributes[kind] = datagram[value_at : value_at + size]
        position = following
    return attributes, integrity_at


def _check_fingerprint(datagram: bytes, position: int, size: int) -> None:
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.7"""
    if size != 4 or position + 8 != len(datagram):
        raise StunError("FINGERPRINT is not the last attribute")
    if datagram[position + 4 :] != _fingerprint(datagram[:position]):
        raise StunError("FINGERPRINT does not match")


def _fingerprint(message: bytes) -> bytes:
    return _U32.pack(binascii.crc32(message) ^ _FINGERPRINT_XOR)


def _protected(message: bytes) -> bytes:
    """What integrity covers: all before it, with a length as if it were the last attribute."""
    length = len(message) - _HEADER.size + 24
    return message[:2] + length.to_bytes(2, "big") + message[4:]


def _error_code(value: bytes | None) -> int | None:
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.8"""
    if value is None:
        return None
    if len(value) < _ERROR.size:
        raise StunError("ERROR-CODE is too short")
    _reserved, hundreds, number = _ERROR.unpack_from(value)
    hundreds &= 7
    if not (3 <= hundreds <= 6 and number <= 99):
        raise StunError("ERROR-CODE is out of range")
    return int(hundreds * 100 + number)


def _xor_address(value: bytes | None, transaction_id: bytes) -> Address | None:
    """https://datatracker.ietf.org/doc/html/rfc8489#section-14.2"""
    if value is None:
        return None
    host = value[4:]
    if len(value) < 4 or value[1] != _FAMILIES.get(len(host)):
        raise StunError("XOR-MAPPED-ADDRESS is malformed")
    _family, port = _FAMILY_PORT.unpack_from(value)
    return unpack_host(_xor_host(host, transaction_id)), port ^ _COOKIE >> 16


def _encode_xor_address(address: Address, transaction_id: bytes) -> bytes:
    host = _xor_host(pack_host(address[0]), transaction_id)
    return _FAMILY_PORT.pack(_FAMILIES[len(host)], address[1] ^ _COOKIE >> 16) + host


def _xor_host(host: bytes, transaction_id: bytes) -> bytes:
    mask = (_U32.pack(_COOKIE) + transaction_id)[: len(host)]
    return (int.from_bytes(host, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(host), "big")


def _message(
    message_class: StunClass,
    transaction_id: bytes,
    attributes: Iterable[tuple[int, bytes]],
    password: bytes,
) -> bytes:
    """A Binding message with MESSAGE-INTEGRITY and FINGERPRINT."""
    if len(transaction_id) != 12:
        raise ValueError("a transaction id is 12 bytes")
    body = b"".join(_attribute(kind, value) for kind, value in attributes)
    message_type = BINDING | (message_class & 2) << 7 | (message_class & 1) << 4
    header = _HEADER.pack(message_type, 0, _COOKIE, transaction_id)
    integrity = hmac.digest(password, _protected(header + body), "sha1")
    body += _attribute(MESSAGE_INTEGRITY, integrity)
    header = _HEADER.pack(message_type, len(body) + 8, _COOKIE, transaction_id)
    return header + body + _attribute(FINGERPRINT, _fingerprint(header + body))


def _attribute(kind: int, value: bytes) -> bytes:
    return _TYPE_LENGTH.pack(kind, len(value)) + value + bytes(-len(value) % 4)
