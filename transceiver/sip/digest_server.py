"""Whether a request proves by digest to be a user's.

https://www.rfc-editor.org/rfc/rfc3261#section-22.4

What is answered depends on the nonce and on whether the proof is right, and on nothing else: not
on whether there is such a user, neither by its content nor by the time that it takes.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from sipmessage import URI, Request

from transceiver.sip.digest import DigestAlgorithm, DigestError, digest_parameters, quoted
from transceiver.sip.nonces import Nonces
from transceiver.sip.phone_credentials import PhoneCredentials

_COUNT = re.compile(r"[0-9a-fA-F]{8}")


class DigestFault(Enum):
    """Why a request proves nothing."""

    MISSING = "missing"
    """It brings no credentials for our realm."""
    STALE = "stale"
    """They are for a nonce that is not, or no longer, or already used."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class _Proof:
    user: str
    algorithm: DigestAlgorithm
    uri: str
    nonce: str
    count: str
    cnonce: str
    response: str


class DigestServer:
    """One worker's. `decoy_key` is random bytes."""

    def __init__(self, nonces: Nonces, decoy_key: bytes) -> None:
        self._nonces = nonces
        self._decoy_key = decoy_key

    def challenges(
        self, credentials: PhoneCredentials, network: bytes, now: float, *, stale: bool
    ) -> tuple[tuple[str, str], ...]:
        """The headers of a 401, one for each algorithm: the topmost is the best.

        https://www.rfc-editor.org/rfc/rfc8760#section-2.4
        """
        nonce = self._nonces.issue(network, now)
        rest = f'realm={quoted(credentials.realm)}, nonce="{nonce}", qop="auth"'
        rest += ", stale=true" if stale else ""
        return tuple(
            ("WWW-Authenticate", f"Digest {rest}, algorithm={algorithm.value}")
            for algorithm in credentials.algorithms
        )

    def user(
        self, request: Request, credentials: PhoneCredentials, network: bytes, now: float
    ) -> str | DigestFault:
        """Whose request it is."""
        proof = _proof(request, credentials)
        if not isinstance(proof, _Proof):
            return proof
        if not self._nonces.is_fresh(proof.nonce, network, now):
            return DigestFault.STALE
        ha1 = credentials.ha1(proof.user, proof.algorithm, self._decoy_key)
        expected = proof.algorithm.response(
            ha1, request.method, proof.uri, proof.nonce, f"{proof.count}:{proof.cnonce}:auth"
        )
        right = hmac.compare_digest(expected.encode(), proof.response.encode("utf-8", "replace"))
        if not (right and proof.user in credentials and _is_for(request, proof.uri)):
            return DigestFault.WRONG
        if not self._nonces.spend(proof.nonce, int(proof.count, 16)):
            return DigestFault.STALE
        return proof.user


def _proof(request: Request, credentials: PhoneCredentials) -> _Proof | DigestFault:
    """Of the credentials for our realm; a proxy on the way may have had some, too."""
    for header in request.headers.getlist("Authorization"):
        try:
            parameters = digest_parameters(header)
        except DigestError:
            continue
        if parameters.get("realm") == credentials.realm:
            return _parsed(parameters, credentials) or DigestFault.WRONG
    return DigestFault.MISSING


def _parsed(parameters: Mapping[str, str], credentials: PhoneCredentials) -> _Proof | None:
    """None where anything is not as it was asked for."""
    algorithm = DigestAlgorithm.named(parameters.get("algorithm", "MD5"))
    if algorithm not in credentials.algorithms or parameters.get("qop") != "auth":
        return None
    try:
        proof = _Proof(
            user=parameters["username"],
            algorithm=algorithm,
            uri=parameters["uri"],
            nonce=parameters["nonce"],
            count=parameters["nc"],
            cnonce=parameters["cnonce"],
            response=parameters["response"].lower(),
        )
    except KeyError:
        return None
    return proof if _COUNT.fullmatch(proof.count) else None


def _is_for(request: Request, uri: str) -> bool:
    """Whether it was made for this request. Hosts may be rewritten on the way to us.

    https://www.rfc-editor.org/rfc/rfc7616#section-3.4.6
    """
    try:
        return URI.parse(uri).user == request.uri.user
    except ValueError:
        return False
