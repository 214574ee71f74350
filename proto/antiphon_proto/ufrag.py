"""The routable ICE ufrag: it tells whoever holds the cluster keys which worker owns a call.

docs/wire/ufrag.md draws the format and gives the receiver's steps. Reading one
proves nothing about who sent it: only a STUN message integrity made with the
password that belongs to the ufrag does.
"""

import binascii
import hmac
import struct

from antiphon_proto.address import pack_host
from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.ufrag_layouts import (
    CODECS,
    EPOCH,
    SHORT_LIFETIME_S,
    Owner,
    UfragCodec,
    UfragError,
    UfragFault,
)

__all__ = [
    "EPOCH",
    "RANDOM_BYTES",
    "SHORT_LIFETIME_S",
    "Owner",
    "UfragError",
    "UfragFault",
    "UfragMinter",
    "UfragReader",
    "config_id",
]

RANDOM_BYTES = 6
"""What `UfragMinter.mint` takes: one byte for the first character, up to five of nonce."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CONFIG_ID_OF = {character: value >> 3 for value, character in enumerate(_ALPHABET)}
_PASSWORD_BYTES = 18


class UfragReader:
    """Reads ufrags of every config of a cluster. Not safe to share between threads."""

    def __init__(self, keys: ClusterKeys) -> None:
        self._codecs: dict[int, UfragCodec] = {
            config.id: CODECS[config.layout](config) for config in keys.configs
        }
        self._password_keys = {
            config.id: config.derive("ufrag password") for config in keys.configs
        }

    def read(self, ufrag: bytes, now: float) -> Owner:
        """The owner that an unexpired ufrag names; `now` is Unix time. Raises UfragError."""
        codec = self._codecs.get(config_id(ufrag))
        if codec is None:
            raise UfragError(UfragFault.UNKNOWN_CONFIG)
        owner = codec.decrypt(_decode_blocks(ufrag[1:], codec.length), now)
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
        self._minting: dict[Layout, tuple[int, UfragCodec]] = {}

    def mint(self, owner: Owner, random: bytes) -> str:
        """A ufrag that names `owner`, from `RANDOM_BYTES` random bytes.

        The nonce is short: a worker that already has a call with this ufrag mints again.
        Raises ClusterKeyError when no config has the layout, ValueError when a field of
        the owner does not fit its place.
        """
        family = Layout.IPV4 if len(pack_host(owner.address)) == 4 else Layout.IPV6
        return self._mint(family, owner, random)

    def mint_short(self, owner: Owner, random: bytes) -> str:
        """The same in 16 characters, for an IPv4 owner and at most `SHORT_LIFETIME_S`.

        Of the random bytes 17 bits count, the low 3 of the first and the low 14 of the next
        two: a number that grows does as well.
        """
        return self._mint(Layout.SHORT, owner, random)

    def _mint(self, layout: Layout, owner: Owner, random: bytes) -> str:
        if len(random) != RANDOM_BYTES:
            raise ValueError(f"minting takes {RANDOM_BYTES} random bytes")
        config_id, codec = self._codec(layout)
        try:
            blocks = codec.encrypt(owner, random[1:])
        except struct.error as error:
            raise ValueError(f"the owner does not fit a ufrag: {error}") from error
        first = _ALPHABET[config_id << 3 | random[0] & 7]
        return chr(first) + _encode_blocks(blocks).decode("ascii")

    def _codec(self, layout: Layout) -> tuple[int, UfragCodec]:
        if layout not in self._minting:
            config = self._keys.minting(layout)
            self._minting[layout] = config.id, CODECS[layout](config)
        return self._minting[layout]


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
