"""Digest authentication: what both sides of it share.

https://www.rfc-editor.org/rfc/rfc7616, https://www.rfc-editor.org/rfc/rfc8760

The headers are read here, not by sipmessage: its patterns need time that doubles with each
quoted parameter, and refuse commas within quotes, as in qop="auth,auth-int".
"""

import hashlib
import re
from enum import Enum

MAX_HEADER_CHARS = 4096

_PARAMETER = re.compile(
    r"""[ \t]*([\w.!%*+`'~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=;]*))[ \t]*(?:,|$)""",
    re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)")


class DigestError(ValueError):
    """A header of digest authentication cannot be used."""


class DigestAlgorithm(Enum):
    """The value is the name in headers."""

    SHA256 = "SHA-256"
    MD5 = "MD5"
    """As good as the passwords are: for those of `antiphon keys phone` nothing is known against
    it, and most phones know no other."""

    def hexdigest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogateescape")
        if self is DigestAlgorithm.SHA256:
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def ha1(self, user: str, realm: str, password: str) -> str:
        """https://www.rfc-editor.org/rfc/rfc7616#section-3.4.2"""
        return self.hexdigest(f"{user}:{realm}:{password}")

    def response(self, ha1: str, method: str, uri: str, nonce: str, proof: str | None) -> str:
        """`proof` is `nc:cnonce:qop`, or None for the form of RFC 2069.

        https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1
        """
        ha2 = self.hexdigest(f"{method}:{uri}")
        middle = nonce if proof is None else f"{nonce}:{proof}"
        return self.hexdigest(f"{ha1}:{middle}:{ha2}")

    @classmethod
    def named(cls, name: str) -> "DigestAlgorithm | None":
        """None for one that is not known here."""
        return next((each for each in cls if each.value == name.upper()), None)


def digest_parameters(header: str) -> dict[str, str]:
    """The parameters of a challenge or of credentials, by their names in lower case.

    Raises DigestError, also for another scheme than Digest.
    """
    scheme, _, text = header.strip().partition(" ")
    if scheme.lower() != "digest" or len(header) > MAX_HEADER_CHARS:
        raise DigestError("no digest authentication")
    parameters: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None or match[1].lower() in parameters:
            raise DigestError("malformed, or a parameter comes twice")
        quoted, token = match[2], match[3]
        parameters[match[1].lower()] = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
        position = match.end()
    return parameters


def quoted(value: str) -> str:
    """A quoted-string: https://www.rfc-editor.org/rfc/rfc3261#section-25.1"""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
