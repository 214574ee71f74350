"""The API keys that may use this deployment, held only as digests."""

import hashlib
import hmac
from collections.abc import Iterable

from transceiver.signaling import client_secret


class ApiKeyError(ValueError):
    """The API key file cannot be used; the text names the line, never the key."""


class ApiKeys:
    """The set of accepted keys, as SHA-256 digests."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @classmethod
    def parse(cls, text: str) -> "ApiKeys":
        """Read one key a line; blank lines and `#` comments are skipped. Raises ApiKeyError."""
        keys = []
        for number, line in enumerate(text.splitlines(), start=1):
            key = line.strip()
            if not key or key.startswith("#"):
                continue
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise ApiKeyError(f"line {number}: a key is printable ASCII without spaces")
            if key.startswith(client_secret.PREFIX):
                raise ApiKeyError(f"line {number}: {client_secret.PREFIX} marks client secrets")
            keys.append(key)
        if not keys:
            raise ApiKeyError("it holds no key")
        return cls(keys)

    def accepts(self, key: str) -> bool:
        """Compare with every key, each in constant time, so that timing tells nothing."""
        digest = _digest(key)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
