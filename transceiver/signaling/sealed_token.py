"""Text that only this cluster can make or read: the form of client secrets and call ids.

A prefix, and base64url, unpadded, of sealed bytes (see sealed_bytes) whose purpose is the
prefix, so that a token of one kind cannot pass as another.
"""

import base64
import binascii
from collections.abc import Sequence

from transceiver.sealed_bytes import NONCE_BYTES, SealedBytes, SealedBytesError

__all__ = ["NONCE_BYTES", "SealedTokenError", "SealedTokens"]


class SealedTokenError(ValueError):
    """The text is not a token that one of our keys sealed."""


class SealedTokens:
    """Seals with the first of `keys` (32 bytes each), opens with any of them."""

    def __init__(self, prefix: str, keys: Sequence[bytes]) -> None:
        self._prefix = prefix
        self._sealed = SealedBytes(prefix.encode(), keys)

    def seal(self, plain: bytes, nonce: bytes) -> str:
        """Return the token's text. `nonce` is NONCE_BYTES random bytes, never used twice."""
        return self._prefix + _encode(self._sealed.seal(plain, nonce))

    def open(self, token: str) -> bytes:
        """Return the sealed bytes. Raises SealedTokenError."""
        if not token.startswith(self._prefix):
            raise SealedTokenError(f"expected the prefix {self._prefix}")
        try:
            return self._sealed.open(_decode(token[len(self._prefix) :]))
        except SealedBytesError as error:
            raise SealedTokenError(str(error)) from error


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
