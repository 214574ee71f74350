"""Digest authentication of requests.

https://www.rfc-editor.org/rfc/rfc3261#section-22.4, https://www.rfc-editor.org/rfc/rfc8760

Challenges are read here: sipmessage's patterns refuse commas within quotes, as in
qop="auth,auth-int".
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PARAMETER = re.compile(
    r"""[ \t]*([\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+))[ \t]*,?"""
)
_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
_COUNT = "00000001"


class DigestError(ValueError):
    """No challenge that can be answered."""


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """Of a WWW-Authenticate or a Proxy-Authenticate header."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None
    protects: bool
    """Whether it asks for `qop=auth`."""

    @classmethod
    def parse(cls, header: str) -> "Challenge":
        """Raises DigestError."""
        scheme, _, text = header.strip().partition(" ")
        found = {
            match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(text)
        }
        algorithm = found.get("algorithm", "MD5").upper()
        qop = found.get("qop")
        if scheme.lower() != "digest" or not {"realm", "nonce"} <= found.keys():
            raise DigestError("a challenge that is no digest's")
        if algorithm not in _ALGORITHMS:
            raise DigestError(f"digest by {algorithm}")
        if qop is not None and "auth" not in [each.strip() for each in qop.split(",")]:
            raise DigestError(f"digest with qop={qop}")
        return cls(
            found["realm"], found["nonce"], algorithm, found.get("opaque"), protects=qop is not None
        )

    def answer(self, credentials: Credentials, method: str, uri: str, cnonce: str) -> str:
        """The value of the Authorization header."""

        def digest(*parts: str) -> str:
            data = ":".join(parts).encode()
            return hashlib.new(_ALGORITHMS[self.algorithm], data, usedforsecurity=False).hexdigest()

        user, password = credentials.user, credentials.password
        proof = (_COUNT, cnonce, "auth") if self.protects else ()
        known, asked = digest(user, self.realm, password), digest(method, uri)
        fields = {"username": user, "realm": self.realm, "nonce": self.nonce, "uri": uri}
        fields["response"] = digest(known, self.nonce, *proof, asked)
        if self.opaque is not None:
            fields["opaque"] = self.opaque
        text = ", ".join(f'{name}="{value}"' for name, value in fields.items())
        more = f', qop=auth, nc={_COUNT}, cnonce="{cnonce}"' if self.protects else ""
        return f"Digest {text}, algorithm={self.algorithm}{more}"


def first_answerable(headers: Iterable[str]) -> Challenge:
    """The first challenge that can be answered, as they come in the server's order of preference.

    Raises DigestError.
    """
    failure = DigestError("no challenge")
    for header in headers:
        try:
            return Challenge.parse(header)
        except DigestError as error:
            failure = error
    raise failure
