"""The routable ICE ufrag: it tells whoever holds the cluster keys which worker owns a call.

docs/wire/ufrag.md draws the format and gives the receiver's steps. Reading one
proves nothing about who sent it: only a STUN message integrity made with the
password that belongs to the ufrag does.
"""

import binascii
import hmac
import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from antiphon_proto.address import pack_host, unpack_host
from antiphon_proto.cluster_keys import ClusterKeys, KeyConfig, Layout

RANDOM_BYTES = 6
"""What `UfragMinter.mint` takes: one byte for the first character, up to five of nonce."""

EPOCH = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""Unix time that not-after minutes count from."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CONFIG_ID_OF = {character: value >> 3 for value, character in enumerate(_ALPHABET)}
_MAX_MINUTES = 0xFFFFFF
_BLOCK = 16
_PASSWORD_BYTES = 18

# Minutes are the low 24 bits of a word whose high 8 are the field before them.
_IPV4 = struct.Struct(">4sHBI3sH")
_IPV6 = struct.Struct(">5sBIH16sI")


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
    """Unix seconds; the wire holds minutes, rounded up."""


class _Codec(Protocol):
    """One layout under one key."""

    length: int

    def encrypt(self, owner: Owner, minutes: int, nonce: bytes) -> bytes: ...
    def decrypt(self, blocks: bytes) -> Owner: ...


class _Ipv4Codec:
    """One AES-128 block."""

    length = 16

    def __init__(self, config: KeyConfig) -> None:
        self._cipher = _cipher(config)
        # Making a context costs ten times what using it does; ECB keeps no state in it.
        self._decrypt = self._cipher.decryptor().update

    def encrypt(self, owner: Owner, minutes: int, nonce: bytes) -> bytes:
        block = _IPV4.pack(
            pack_host(owner.address),
            owner.port,
            owner.cluster_id,
            owner.incarnation << 24 | minutes,
            nonce[:3],
            0,
        )
        return self._cipher.encryptor().update(block)

    def decrypt(self, blocks: bytes) -> Owner:
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

    def encrypt(self, owner: Owner, minutes: int, nonce: bytes) -> bytes:
        clear = _IPV6.pack(
            nonce[:5],
            owner.incarnation,
            owner.cluster_id << 24 | minutes,
            owner.port,
            pack_host(owner.address),
            0,
        )
        encrypt = self._cipher.encryptor().update
        first = encrypt(clear[:_BLOCK])
        return first + encrypt(_xor(clear[_BLOCK:], first))

    def decrypt(self, blocks: bytes) -> Owner:
        clear = self._decrypt(blocks)
        clear = clear[:_BLOCK] + _xor(clear[_BLOCK:], blocks[:_BLOCK])
        _nonce, incarnation, word, port, address, check = _IPV6.unpack(clear)
        if check:
            raise UfragError(UfragFault.CHECK)
        return Owner(
            unpack_host(address), port, word >> 24, incarnation, _unix_time(word & _MAX_MINUTES)
        )


_CODECS: dict[Layout, type[_Ipv4Codec] | type[_Ipv6Codec]] = {
    Layout.IPV4: _Ipv4Codec,
    Layout.IPV6: _Ipv6Codec,
}


class UfragReader:
    """Reads ufrags of every config of a cluster. Not safe to share between threads."""

    def __init__(self, keys: ClusterKeys) -> None:
        self._codecs: dict[int, _Codec] = {
            config.id: _CODECS[config.layout](config) for config in keys.configs
        }
        self._password_keys = {
            config.id: config.derive("ufrag password") for config in keys.configs
        }

    def read(self, ufrag: bytes, now: float) -> Owner:
        """The owner that an unexpired ufrag names; `now` is Unix time. Raises UfragError."""
        codec = self._codecs.get(config_id(ufrag))
        if codec is None:
            raise UfragError(UfragFault.UNKNOWN_CONFIG)
        owner = codec.decrypt(_decode_blocks(ufrag[1:], codec.length))
        if now > owner.not_after:
            raise UfragError(UfragFault.EXPIRED)
        return owner

    def password(self, ufrag: bytes) -> bytes:
        """The 24 characters of the ice-pwd that belongs to a ufrag, valid or not.

        Raises UfragError for an unknown config.
        """
        key = self._password_keys.get(config_id(ufrag))
        if key is None:
            raise UfragError(UfragFault.UNKNOWN_CONFIG)
        digest = hmac.digest(key, ufrag, "sha256")
        return binascii.b2a_base64(digest[:_PASSWORD_BYTES], newline=False)


class UfragMinter:
    """Makes ufrags with the first config of the owner's address family."""

    def __init__(self, keys: ClusterKeys) -> None:
        self._keys = keys
        self._minting: dict[Layout, tuple[int, _Codec]] = {}

    def mint(self, owner: Owner, random: bytes) -> str:
        """A ufrag that names `owner`, from `RANDOM_BYTES` random bytes.

        The nonce is short: a worker that already has a call with this ufrag mints again.
        Raises ClusterKeyError when no config has the layout, ValueError when a field of
        the owner does not fit its place.
        """
        if len(random) != RANDOM_BYTES:
            raise ValueError(f"minting takes {RANDOM_BYTES} random bytes")
        minutes = _minutes(owner.not_after)
        config_id, codec = self._codec(
            Layout.IPV4 if len(pack_host(owner.address)) == 4 else Layout.IPV6
        )
        try:
            blocks = codec.encrypt(owner, minutes, random[1:])
        except struct.error as error:
            raise ValueError(f"the owner does not fit a ufrag: {error}") from error
        first = _ALPHABET[config_id << 3 | random[0] & 7]
        return chr(first) + _encode_blocks(blocks).decode("ascii")

    def _codec(self, layout: Layout) -> tuple[int, _Codec]:
        if layout not in self._minting:
            config = self._keys.minting(layout)
            self._minting[layout] = config.id, _CODECS[layout](config)
        return self._minting[layout]


def _cipher(config: KeyConfig) -> Cipher[ECB]:
    key = config.derive(f"ufrag cipher {config.layout.value}", _BLOCK)
    # Bare blocks are safe here: a layout has one, which holds a nonce, or chains its two itself.
    return Cipher(AES(key), ECB())  # noqa: S305


def config_id(ufrag: bytes) -> int:
    """The id of the config that a ufrag was minted with. Raises UfragError."""
    if not ufrag:
        raise UfragError(UfragFault.LENGTH)
    config_id = _CONFIG_ID_OF.get(ufrag[0])
    if config_id is None:
        raise UfragError(UfragFault.MALFORMED)
    return config_id


def _encode_blocks(blocks: bytes) -> bytes:
    return binascii.b2a_base64(blocks, newline=False).rstrip(b"=")


def _decode_blocks(text: bytes, length: int) -> bytes:
    """Undo unpadded base64, in its one canonical spelling, of `length` bytes."""
    if len(text) != (length * 8 + 5) // 6:
        raise UfragError(UfragFault.LENGTH)
    try:
        blocks = binascii.a2b_base64(text + b"==")
    except binascii.Error:
        raise UfragError(UfragFault.MALFORMED) from None
    # The decoder skips foreign characters and ignores the unused bits of the last one.
    if len(blocks) != length or _encode_blocks(blocks) != text:
        raise UfragError(UfragFault.MALFORMED)
    return blocks


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
