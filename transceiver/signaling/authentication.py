"""Who sends a request: the holder of an API key, or of a client secret."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from transceiver.signaling import client_secret
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.client_secret import ClientSecretError, ClientSecrets
from transceiver.signaling.errors import ApiError, invalid_key


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated sender."""

    bound_session: bytes | None = None
    """The configuration (JSON object) sealed in a client secret; None for an API key."""
    secret_digest: bytes | None = None
    """The client secret's SHA-256; None for an API key."""

    @property
    def holds_api_key(self) -> bool:
        return self.bound_session is None


class Authenticator:
    """Checks the `Authorization` header of requests."""

    def __init__(
        self, keys: ApiKeys, client_secrets: ClientSecrets, clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._client_secrets = client_secrets
        self._clock = clock

    def identify(self, authorization: str | None) -> Caller:
        """Return who sends the header's value. Raises ApiError (401)."""
        key = _bearer_key(authorization)
        if key.startswith(client_secret.PREFIX):
            return self._open(key)
        if not self._keys.accepts(key):
            raise invalid_key("The API key is not valid.")
        return Caller()

    def require_api_key(self, authorization: str | None) -> None:
        """Let only the holder of an API key pass. Raises ApiError (401, 403)."""
        if not self.identify(authorization).holds_api_key:
            raise ApiError(403, "A client secret may not do this.", code="insufficient_permissions")

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
            raise ApiError(403, message, code="insufficient_permissions")

    def _open(self, secret: str) -> Caller:
        try:
            bound = self._client_secrets.open(secret, self._clock())
        except ClientSecretError as error:
            raise invalid_key(str(error)) from error
        return Caller(bound_session=bound.session, secret_digest=_digest(secret))


def _bearer_key(authorization: str | None) -> str:
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise invalid_key("No API key was given: send it as Authorization: Bearer KEY.")
    return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
