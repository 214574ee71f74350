"""What a ufrag holds of its owner, and in which bytes: one codec a layout.

docs/wire/ufrag.md draws them.
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from antiphon_proto.address import pack_host, unpack_host
from antiphon_proto.cluster_keys import KeyConfig, Layout

EPOCH = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""Unix time that not-after minutes count from."""

SHORT_LIFETIME_S = 510 * 3600
"""How far ahead a short ufrag's not-after may be, in seconds."""

_MAX_MINUTES = 0xFFFFFF
_BLOCK = 16
_HOUR_S = 3600
_HOURS = 1024
"""The short layout counts hours modulo this."""

# Minutes are the low 24 bits of a word whose high 8 are the field before them.
_IPV4 = struct.Struct(">4sHBI3sH")
_IPV6 = struct.Struct(">5sBIH16sI")
# The last three bytes are 10 bits of hours and 14 of nonce.
_SHORT = struct.Struct(">4sHBB3s")
_SHORT_NONCES = 1 << 14
_SHORT_LEFT = 6


class UfragFault(Enum):
    """Why a ufrag names nobody."""

    UNKNOWN_CONFIG = "unknown_config"
    LENGTH = "length"
    MALFORMED = "malformed"
    CHECK = "check"
    EXPIRED = "expired"


class UfragError(ValueError):
    """A ufrag cannot be routed."""

    def __init__(self, reason: UfragFault) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Owner:
    """The transceiver worker that a ufrag names."""

    address: str
    """IPv4 or IPv6 address of its tunnel socket."""
    port: int
    cluster_id: int
    incarnation: int
    """0..255, differs between a worker and the one that had its address before."""
    not_after: int
    """Unix seconds; the wire holds minutes, or hours in the short layout, rounded up."""


class UfragCodec(Protocol):
    """One layout under one key."""

    length: int

    def encrypt(self, owner: Owner, nonce: bytes) -> bytes: ...
    def decrypt(self, blocks: bytes, now: float) -> Owner: ...


class _Ipv4Codec:
    """One AES-128 block."""

    length = 16

    def __init__(self, config: KeyConfig) -> None:
        self._cipher = _cipher(config)
        # Making a context costs ten times what using it does; ECB keeps no state in it.
        self._decrypt = self._cipher.decryptor().update

    def encrypt(self, owner: Owner, nonce: bytes) -> bytes:
        block = _IPV4.pack(
            pack_host(owner.address),
            owner.port,
            owner.cluster_id,
            owner.incarnation << 24 | _minutes(owner.not_after),
            nonce[:3],
            0,
        )
        return self._cipher.encryptor().update(block)

    def decrypt(self, blocks: bytes, _now: float) -> Owner:
        address, port, cluster, word, _nonce, check = _IPV4.unpack(self._decrypt(blocks))
        if check:
            raise UfragError(UfragFault.CHECK)
        return Owner(
            unpack_host(address), port, cluster, word >> 24, _unix_time(word & _MAX_MINUTES)
        )


class _Ipv6Codec:
    """Two blocks in CBC mode with a zero IV: the nonce, in the first, randomises both."""

    length = 32

    def __init__(self, config: KeyConfig) -> None:
        self._cipher = _cipher(config)
        self._decrypt = self._cipher.decryptor().update

    def encrypt(self, owner: Owner, nonce: bytes) -> bytes:
        clear = _IPV6.pack(
            nonce[:5],
            owner.incarnation,
            owner.cluster_id << 24 | _minutes(owner.not_after),
            owner.port,
            pack_host(owner.address),
            0,
        )
        encrypt = self._cipher.encryptor().update
        first = encrypt(clear[:_BLOCK])
        return first + encrypt(_xor(clear[_BLOCK:], first))

    def decrypt(self, blocks: bytes, _now: float) -> Owner:
        clear = self._decrypt(blocks)
        clear = clear[:_BLOCK] + _xor(clear[_BLOCK:], blocks[:_BLOCK])
        _nonce, incarnation, word, port, address, check = _IPV6.unpack(clear)
        if check:
            raise UfragError(UfragFault.CHECK)
        return Owner(
            unpack_host(address), port, word >> 24, incarnation, _unix_time(word & _MAX_MINUTES)
        )


class _ShortCodec:
    """11 bytes, too few for a block: four Feistel rounds over AES, as QUIC-LB has them.

    There is no room for a check: the message integrity alone tells what was not minted.
    https://www.ietf.org/archive/id/draft-ietf-quic-load-balancers-21.html#section-5.4.2
    """

    length = _SHORT.size

    def __init__(self, config: KeyConfig) -> None:
        self._cipher = _cipher(config).encryptor().update

    def encrypt(self, owner: Owner, nonce: bytes) -> bytes:
        host = pack_host(owner.address)
        if len(host) != 4:
            raise ValueError("a short ufrag has no room for an IPv6 address")
        tail = _hours(owner.not_after) * _SHORT_NONCES
        tail |= int.from_bytes(nonce[:2], "big") % _SHORT_NONCES
        clear = _SHORT.pack(
            host, owner.port, owner.cluster_id, owner.incarnation, tail.to_bytes(3, "big")
        )
        return self._rounds(clear, range(4))

    def decrypt(self, blocks: bytes, now: float) -> Owner:
        address, port, cluster, incarnation, tail = _SHORT.unpack(
            self._rounds(blocks, reversed(range(4)))
        )
        hours = int.from_bytes(tail, "big") // _SHORT_NONCES
        return Owner(unpack_host(address), port, cluster, incarnation, _nearest(hours, now))

    def _rounds(self, text: bytes, rounds: Iterable[int]) -> bytes:
        left, right = text[:_SHORT_LEFT], text[_SHORT_LEFT:]
        for number in rounds:
            if number % 2:
                left = self._mixed(number, left, right)
            else:
                right = self._mixed(number, right, left)
        return left + right

    def _mixed(self, number: int, half: bytes, other: bytes) -> bytes:
        return _xor(half, self._cipher(bytes((number,)) + other.ljust(15, b"\0"))[: len(half)])


CODECS: dict[Layout, type[_Ipv4Codec | _Ipv6Codec | _ShortCodec]] = {
    Layout.IPV4: _Ipv4Codec,
    Layout.IPV6: _Ipv6Codec,
    Layout.SHORT: _ShortCodec,
}


def _cipher(config: KeyConfig) -> Cipher[ECB]:
    key = config.derive(f"ufrag cipher {config.layout.value}", _BLOCK)
    # Bare blocks are safe here: a layout has one, which holds a nonce, or chains its own.
    return Cipher(AES(key), ECB())  # noqa: S305


def _xor(left: bytes, right: bytes) -> bytes:
    mixed = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return mixed.to_bytes(len(left), "big")


def _minutes(not_after: int) -> int:
    minutes = math.ceil((not_after - EPOCH) / 60)
    if not 0 <= minutes <= _MAX_MINUTES:
        raise ValueError("not-after does not fit 24 bits of minutes")
    return minutes


def _unix_time(minutes: int) -> int:
    return EPOCH + minutes * 60


def _hours(not_after: int) -> int:
    hours = math.ceil((not_after - EPOCH) / _HOUR_S)
    if hours < 0:
        raise ValueError("not-after is before what a ufrag can tell")
    return hours % _HOURS


def _nearest(hours: int, now: float) -> int:
    """The Unix time that hours modulo `_HOURS` mean, of all the one closest to `now`."""
    current = math.floor((now - EPOCH) / _HOUR_S)
    ahead = (hours - current + _HOURS // 2) % _HOURS - _HOURS // 2
    return EPOCH + (current + ahead) * _HOUR_S
