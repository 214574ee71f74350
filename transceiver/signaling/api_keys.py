"""The API keys that may use this deployment, held only as digests.

A line lists a key, or the SHA-256 of one, and the limits that it has of its own:

    sk-antiphon-2p4...
    sha256:9f86d081884c...  sessions=20 requests-per-minute=120

Keys are made of 192 random bits (`antiphon keys api`): of those a digest without salt
or stretching gives nothing away, and a request's key is digested once, not once a line.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from chassis.settings import whole_number
from transceiver.signaling import client_secret

DIGEST_PREFIX = "sha256:"
FINGERPRINT_CHARS = 32

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_LIMITS = {"sessions": "sessions", "requests-per-minute": "requests_per_minute"}
_limit = whole_number(0)


class ApiKeyError(ValueError):
    """The API keys cannot be used; the text names the line, never the key."""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What the holders of one key may use of one worker; 0: as much as there is."""

    sessions: int | None = None
    """At once; None leaves it to the default."""
    requests_per_minute: int | None = None
    """None leaves it to the default."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is accepted."""

    digest: bytes = field(repr=False)
    limits: KeyLimits = KeyLimits()

    @property
    def fingerprint(self) -> str:
        """Names the key in the client secrets that it mints: half of its digest, in hex."""
        return self.digest.hex()[:FINGERPRINT_CHARS]


class ApiKeys:
    """The keys that are accepted, at the moment."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Read a key a line; blank lines and `#` comments are skipped. Raises ApiKeyError."""
        keys: dict[str, ApiKey] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                key = _parse_line(line)
            except ValueError as error:
                raise ApiKeyError(f"line {number}: {error}") from error
            if key.fingerprint in keys:
                raise ApiKeyError(f"line {number}: the key of a line before")
            keys[key.fingerprint] = key
        if not keys:
            raise ApiKeyError("there is no key")
        self._keys = keys

    @classmethod
    def parse(cls, text: str) -> "ApiKeys":
        """Read the text of a key file. Raises ApiKeyError."""
        return cls(text.splitlines())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKeys) and self._keys == other._keys

    __hash__ = None  # type: ignore[assignment]

    def become(self, others: "ApiKeys") -> None:
        """Accept those from here on, and no others."""
        self._keys = others._keys

    def find(self, key: str) -> ApiKey | None:
        """Compare with every key, each in constant time, so that timing tells nothing."""
        digest = _digest(key)
        found = None
        for known in self._keys.values():
            if hmac.compare_digest(digest, known.digest):
                found = known
        return found

    def with_fingerprint(self, fingerprint: str) -> ApiKey | None:
        """The key of a fingerprint that comes from a client secret of ours."""
        return self._keys.get(fingerprint)


def _parse_line(line: str) -> ApiKey:
    """Raises ValueError, which says nothing of the line's content."""
    key, *limits = line.split()
    return ApiKey(_listed_digest(key), _parse_limits(limits))


def _listed_digest(key: str) -> bytes:
    if key.startswith(DIGEST_PREFIX):
        digits = key.removeprefix(DIGEST_PREFIX)
        if not _HEX_DIGEST.fullmatch(digits):
            raise ValueError(f"{DIGEST_PREFIX} stands before 64 hexadecimal digits")
        return bytes.fromhex(digits)
    if not (key.isascii() and key.isprintable()):
        raise ValueError("a key is printable ASCII without spaces")
    if key.startswith(client_secret.PREFIX):
        raise ValueError(f"{client_secret.PREFIX} marks client secrets")
    return _digest(key)


def _parse_limits(words: list[str]) -> KeyLimits:
    limits: dict[str, int] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in _LIMITS or _LIMITS[name] in limits:
            raise ValueError("behind a key may stand sessions=N and requests-per-minute=N, once")
        try:
            limits[_LIMITS[name]] = _limit(text)
        except ValueError as error:
            # What it was given may be the rest of a key.
            raise ValueError(f"{name}= takes a whole number") from error
    return KeyLimits(**limits)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
