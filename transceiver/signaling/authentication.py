"""Who sends a request: the holder of an API key, or of a client secret."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from transceiver.resumption.resume_token import Origin
from transceiver.signaling import client_secret
from transceiver.signaling.api_keys import ApiKey, ApiKeys
from transceiver.signaling.client_secret import (
    ClientSecretError,
    ClientSecretFault,
    ClientSecrets,
)
from transceiver.signaling.errors import ApiError, invalid_key
from transceiver.signaling.key_refusal import KeyRefusal

_MESSAGES = {
    KeyRefusal.NO_KEY: "No API key was given: send it as Authorization: Bearer KEY.",
    KeyRefusal.UNKNOWN_KEY: "The API key is not valid.",
    KeyRefusal.INVALID_SECRET: "The client secret is not valid.",
    KeyRefusal.EXPIRED_SECRET: "The client secret has expired.",
    KeyRefusal.REVOKED_SECRET: "The API key that made the client secret is not valid any more.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated sender."""

    key: ApiKey
    """Its own, or the one that minted its client secret: whose limits it uses up."""
    bound_session: bytes | None = None
    """The configuration (JSON object) sealed in a client secret; None for an API key."""
    secret_digest: bytes | None = None
    """The client secret's SHA-256; None for an API key."""

    @property
    def origin(self) -> Origin:
        """Who makes a session, as its resume token says it."""
        return Origin(self.key.fingerprint, self.secret_digest)

    @property
    def holds_api_key(self) -> bool:
        return self.bound_session is None


class Authenticator:
    """Checks the `Authorization` header of requests, and counts why they are refused."""

    def __init__(
        self,
        keys: ApiKeys,
        client_secrets: ClientSecrets,
        clock: Callable[[], float],
        refused: Counter[KeyRefusal] | None = None,
    ) -> None:
        """`clock` gives Unix seconds."""
        self._keys = keys
        self._client_secrets = client_secrets
        self._clock = clock
        self._refused = Counter[KeyRefusal]() if refused is None else refused

    def recognise(self, authorization: str | None) -> Caller | None:
        """Return who sends the header's value, or None for a refusal that `identify` words."""
        caller = self._caller(_bearer_key(authorization))
        return caller if isinstance(caller, Caller) else None

    def identify(self, authorization: str | None) -> Caller:
        """Return who sends the header's value. Raises ApiError (401)."""
        caller = self._caller(_bearer_key(authorization))
        if isinstance(caller, Caller):
            return caller
        self._refused[caller] += 1
        raise invalid_key(_MESSAGES[caller])

    def issuer(self, fingerprint: str) -> ApiKey:
        """The key that answers for a session of before. Raises ApiError (401) if it is gone."""
        key = self._keys.with_fingerprint(fingerprint)
        if key is None:
            self._refused[KeyRefusal.REVOKED_SECRET] += 1
            raise invalid_key("The API key that the session was made with is not valid any more.")
        return key

    def require_api_key(self, authorization: str | None) -> Caller:
        """Let only the holder of an API key pass. Raises ApiError (401, 403)."""
        caller = self.identify(authorization)
        if not caller.holds_api_key:
            raise self._without_rights("A client secret may not do this.")
        return caller

    def require_rights_to(self, creator: bytes | None, authorization: str | None) -> None:
        """Let only pass who may use a call: an API key, or the client secret that made it.

        `creator` is that secret's digest, None where an API key made the call. The secret
        counts here although it may have expired meanwhile: it expires in minutes, so that a
        leaked one starts no calls, but a browser that holds nothing else keeps its call, which
        may last an hour, over a change of network. Raises ApiError (401, 403).
        """
        key = _bearer_key(authorization)
        if creator is not None and hmac.compare_digest(_digest(key), creator):
            return
        if not self.identify(authorization).holds_api_key:
            message = "Another client secret than the one that made the call may not do this."
            raise self._without_rights(message)

    def _caller(self, key: str) -> Caller | KeyRefusal:
        if not key:
            return KeyRefusal.NO_KEY
        if key.startswith(client_secret.PREFIX):
            return self._secret_holder(key)
        known = self._keys.find(key)
        return KeyRefusal.UNKNOWN_KEY if known is None else Caller(known)

    def _secret_holder(self, secret: str) -> Caller | KeyRefusal:
        try:
            bound = self._client_secrets.open(secret, self._clock())
        except ClientSecretError as error:
            expired = error.fault is ClientSecretFault.EXPIRED
            return KeyRefusal.EXPIRED_SECRET if expired else KeyRefusal.INVALID_SECRET
        issuer = self._keys.with_fingerprint(bound.issuer)
        if issuer is None:
            return KeyRefusal.REVOKED_SECRET
        return Caller(issuer, bound.session, _digest(secret))

    def _without_rights(self, message: str) -> ApiError:
        self._refused[KeyRefusal.NO_RIGHTS] += 1
        return ApiError(403, message, code="insufficient_permissions")


def _bearer_key(authorization: str | None) -> str:
    """What the header holds as a key; empty where it holds none."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
