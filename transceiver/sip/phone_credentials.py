"""The users that phones and trunks prove to be, and by what.

A line holds a user, the realm, and one digest or two of the password (HA1), as
`antiphon keys phone` prints it; with MD5 it is a line of Apache's `htdigest`:

    alice:antiphon:939e7578ed9e3c518a452acee763bce9
    bob:antiphon:6f4d...:8ac5...

32 digits are MD5's, 64 are SHA-256's. What all lines have is offered to everybody: the
challenge may not tell who exists.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from transceiver.sip.digest import DigestAlgorithm

DEFAULT_REALM = "antiphon"
MAX_NAME_CHARS = 128

_NAME = re.compile(r"[\w.!~*'()&=+$,;?/@ -]+")
_DIGITS = {32: DigestAlgorithm.MD5, 64: DigestAlgorithm.SHA256}
_HEX = re.compile(r"[0-9a-fA-F]+")


class PhoneCredentialsError(ValueError):
    """The file cannot be used; the text names the line, never its digests."""


@dataclass(frozen=True, slots=True)
class _User:
    realm: str
    ha1: dict[DigestAlgorithm, str] = field(repr=False)


class PhoneCredentials:
    """Everybody in the file; equal when they say the same."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Blank lines and `#` comments are skipped. Raises PhoneCredentialsError."""
        self._users: dict[str, _User] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                self._add(line.strip())
            except ValueError as error:
                raise PhoneCredentialsError(f"line {number}: {error}") from error
        self.algorithms = self._common_algorithms()
        """Those that everybody has, the strongest first."""
        if self._users and not self.algorithms:
            raise PhoneCredentialsError("there is no algorithm that every line has a digest of")

    @classmethod
    def parse(cls, text: str) -> "PhoneCredentials":
        """Read the text of a file. Raises PhoneCredentialsError."""
        return cls(text.splitlines())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhoneCredentials) and self._users == other._users

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, user: str) -> bool:
        return user in self._users

    def __len__(self) -> int:
        return len(self._users)

    @property
    def realm(self) -> str:
        return next((user.realm for user in self._users.values()), DEFAULT_REALM)

    def ha1(self, user: str, algorithm: DigestAlgorithm, decoy_key: bytes) -> str:
        """Of a user that there is, or one that fits no password, at the same expense."""
        known = self._users.get(user)
        name = user.encode("utf-8", "surrogateescape")
        decoy = hmac.digest(decoy_key, name, "sha256").hex()
        return decoy if known is None else known.ha1.get(algorithm, decoy)

    def _common_algorithms(self) -> tuple[DigestAlgorithm, ...]:
        users = self._users.values()
        return tuple(each for each in DigestAlgorithm if all(each in user.ha1 for user in users))

    def _add(self, line: str) -> None:
        """Raises ValueError, which says nothing of the line's content."""
        name, _, rest = line.partition(":")
        realm, *digests = rest.split(":")
        if not 0 < len(name) <= MAX_NAME_CHARS or not _NAME.fullmatch(name) or not digests:
            raise ValueError("expected USER:REALM:DIGEST")
        if self._users and realm != self.realm:
            raise ValueError("the realm is another one than that of the lines before")
        if name in self._users:
            raise ValueError("the user of a line before")
        self._users[name] = _User(realm, dict(map(_digest, digests)))


def _digest(text: str) -> tuple[DigestAlgorithm, str]:
    algorithm = _DIGITS.get(len(text))
    if algorithm is None or not _HEX.fullmatch(text):
        raise ValueError("a digest is 32 (MD5) or 64 (SHA-256) hexadecimal digits")
    return algorithm, text.lower()
