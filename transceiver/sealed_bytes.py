"""Bytes that only this cluster can make or read.

     0         1         2                        14
    +---------+---------+------------------------+---------------------------+
    | version | key hint| nonce (12 bytes)       | AES-256-GCM(plain) + tag  |
    +---------+---------+------------------------+---------------------------+

The first two bytes are authenticated too, and so is what the bytes are for: those made
for one purpose cannot pass as another's. The key hint is the first byte of the key's
SHA-256: it lets a reader that holds several keys (rotation) pick the right one at once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
NONCE_BYTES = 12
_HEADER_BYTES = 2
_TAG_BYTES = 16
_OVERHEAD_BYTES = _HEADER_BYTES + NONCE_BYTES + _TAG_BYTES


class SealedBytesError(ValueError):
    """The bytes are not what one of our keys sealed."""


@dataclass(frozen=True, slots=True)
class _Key:
    header: bytes
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "_Key":
        hint = hashlib.sha256(secret).digest()[:1]
        return cls(header=bytes([VERSION]) + hint, cipher=AESGCM(secret))


def nonce_of(data: bytes) -> bytes:
    """The nonce that sealed bytes were sealed with."""
    return data[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES]


class SealedBytes:
    """Seals with the first of `keys` (32 bytes each), opens with any of them."""

    def __init__(self, purpose: bytes, keys: Sequence[bytes]) -> None:
        self._purpose = purpose
        self._keys = [_Key.of(secret) for secret in keys]

    def seal(self, plain: bytes, nonce: bytes) -> bytes:
        """`nonce` is NONCE_BYTES random bytes, never used twice."""
        key = self._keys[0]
        return key.header + nonce + key.cipher.encrypt(nonce, plain, self._purpose + key.header)

    def open(self, data: bytes) -> bytes:
        """Return the sealed bytes. Raises SealedBytesError."""
        if len(data) < _OVERHEAD_BYTES:
            raise SealedBytesError("too short")
        header, nonce = data[:_HEADER_BYTES], nonce_of(data)
        sealed = data[_HEADER_BYTES + NONCE_BYTES :]
        for key in self._keys:
            if key.header == header:
                try:
                    return key.cipher.decrypt(nonce, sealed, self._purpose + header)
                except InvalidTag:
                    continue
        raise SealedBytesError("not sealed by a key of this cluster")
