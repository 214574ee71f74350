"""How our requests answer a challenge of a trunk or a proxy.

https://www.rfc-editor.org/rfc/rfc3261#section-22.2
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from transceiver.sip.digest import DigestAlgorithm, DigestError, digest_parameters, quoted

_CNONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to a trunk."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Challenge:
    realm: str
    nonce: str
    algorithm: DigestAlgorithm
    has_qop: bool
    opaque: str | None


class DigestAuthenticator:
    """An `application.Authenticator`. `random` gives so many random bytes."""

    def __init__(self, login: Login, random: Callable[[int], bytes]) -> None:
        self._login = login
        self._random = random

    def answer(self, challenges: Sequence[str], method: str, uri: str) -> str | None:
        """The value of Authorization; None where no challenge can be answered."""
        challenge = _first_usable(challenges)
        if challenge is None:
            return None
        return _answered(challenge, self._login, method, uri, self._random(_CNONCE_BYTES).hex())


def _first_usable(headers: Iterable[str]) -> _Challenge | None:
    """The topmost is what the peer likes best: https://www.rfc-editor.org/rfc/rfc8760#section-2.3"""
    for header in headers:
        try:
            return _challenge(digest_parameters(header))
        except DigestError:
            continue
    return None


def _challenge(parameters: Mapping[str, str]) -> _Challenge:
    """Raises DigestError for one that we cannot answer."""
    algorithm = DigestAlgorithm.named(parameters.get("algorithm", "MD5"))
    offered = {each.strip().lower() for each in parameters.get("qop", "auth").split(",")}
    if algorithm is None or "auth" not in offered or not parameters.get("nonce"):
        raise DigestError("not a challenge for us")
    return _Challenge(
        realm=parameters.get("realm", ""),
        nonce=parameters["nonce"],
        algorithm=algorithm,
        has_qop="qop" in parameters,
        opaque=parameters.get("opaque"),
    )


def _answered(challenge: _Challenge, login: Login, method: str, uri: str, cnonce: str) -> str:
    ha1 = challenge.algorithm.ha1(login.user, challenge.realm, login.password)
    # A nonce is used once, so that nobody has to count.
    proof = f"00000001:{cnonce}:auth" if challenge.has_qop else None
    parts = [
        f"username={quoted(login.user)}",
        f"realm={quoted(challenge.realm)}",
        f"nonce={quoted(challenge.nonce)}",
        f"uri={quoted(uri)}",
        f'response="{challenge.algorithm.response(ha1, method, uri, challenge.nonce, proof)}"',
        f"algorithm={challenge.algorithm.value}",
    ]
    if challenge.has_qop:
        parts.append(f"cnonce={quoted(cnonce)}, qop=auth, nc=00000001")
    if challenge.opaque is not None:
        parts.append(f"opaque={quoted(challenge.opaque)}")
    return "Digest " + ", ".join(parts)
