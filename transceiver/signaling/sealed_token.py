"""Text that only this cluster can make or read: the form of client secrets and call ids.

    prefix  base64url, unpadded, of:

     0         1         2                        14
    +---------+---------+------------------------+---------------------------+
    | version | key hint| nonce (12 bytes)       | AES-256-GCM(plain) + tag  |
    +---------+---------+------------------------+---------------------------+

The prefix and the first two bytes are authenticated too, so that a token of one
kind cannot pass as another. The key hint is the first byte of the key's SHA-256:
it lets a reader that holds several keys (rotation) pick the right one at once.
"""

import base64
import binascii
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


class SealedTokenError(ValueError):
    """The text is not a token that one of our keys sealed."""


@dataclass(frozen=True, slots=True)
class _Key:
    header: bytes
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "_Key":
        hint = hashlib.sha256(secret).digest()[:1]
        return cls(header=bytes([VERSION]) + hint, cipher=AESGCM(secret))


class SealedTokens:
    """Seals with the first of `keys` (32 bytes each), opens with any of them."""

    def __init__(self, prefix: str, keys: Sequence[bytes]) -> None:
        self._prefix = prefix
        self._keys = [_Key.of(secret) for secret in keys]

    def seal(self, plain: bytes, nonce: bytes) -> str:
        """Return the token's text. `nonce` is NONCE_BYTES random bytes, never used twice."""
        key = self._keys[0]
        sealed = key.cipher.encrypt(nonce, plain, self._authenticated(key.header))
        return self._prefix + _encode(key.header + nonce + sealed)

    def open(self, token: str) -> bytes:
        """Return the sealed bytes. Raises SealedTokenError."""
        if not token.startswith(self._prefix):
            raise SealedTokenError(f"expected the prefix {self._prefix}")
        data = _decode(token[len(self._prefix) :])
        if len(data) < _OVERHEAD_BYTES:
            raise SealedTokenError("too short")
        header, nonce = data[:_HEADER_BYTES], data[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES]
        sealed = data[_HEADER_BYTES + NONCE_BYTES :]
        for key in self._keys:
            if key.header == header:
                try:
                    return key.cipher.decrypt(nonce, sealed, self._authenticated(header))
                except InvalidTag:
                    continue
        raise SealedTokenError("not sealed by a key of this cluster")

    def _authenticated(self, header: bytes) -> bytes:
        return self._prefix.encode() + header


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    padding = "=" * (-len(text) % 4)
    try:
        data = base64.b64decode(text + padding, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealedTokenError("not base64url") from error
    if _encode(data) != text:
        raise SealedTokenError("not canonical base64url")
    return data
