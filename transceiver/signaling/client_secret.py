"""Client secrets (`ek_...`): short-lived keys that carry their own session configuration.

The server keeps no list of them. A secret is a sealed token (see sealed_token)
around zlib-compressed JSON `{"expires_at": unix seconds, "issuer": fingerprint of an
API key, "session": {...}}`, so any transceiver of the cluster that lists this key can
honour it, as often as wanted, until it expires.
https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret
"""

import zlib
from dataclasses import dataclass
from enum import Enum

import msgspec

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.sealed_token import SealedTokenError, SealedTokens

PREFIX = "ek_"
MAX_SECRET_CHARS = 56 * 1024
"""Leaves room for the rest of an `Authorization` header within 64 KiB."""
MAX_CONTENT_BYTES = 512 * 1024
"""What a secret may decompress to."""

_KEY_LABEL = "client secret"


class ClientSecretFault(Enum):
    """Why a secret cannot be made or honoured."""

    TOO_LONG = "too_long"
    INVALID = "invalid"
    EXPIRED = "expired"


class ClientSecretError(ValueError):
    """A client secret that cannot be made or honoured; `fault` says why."""

    def __init__(self, fault: ClientSecretFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class BoundSession:
    """What a secret stands for: a session configuration (a JSON object) until a moment."""

    session: bytes
    expires_at: int
    issuer: str
    """Fingerprint of the API key that minted it, which answers for what it uses."""


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    expires_at: int
    issuer: str
    session: msgspec.Raw


class ClientSecrets:
    """Mints and opens client secrets under the keys of a cluster, old ones included."""

    def __init__(self, keys: ClusterKeys) -> None:
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on, and honour all, none other."""
        self._tokens = SealedTokens(PREFIX, keys.derive_all(_KEY_LABEL))

    def mint(self, bound: BoundSession, nonce: bytes) -> str:
        """Return the secret's text; `nonce` is 12 random bytes.

        Raises ClientSecretError (TOO_LONG) when it would not fit in a request header.
        """
        sealed = _Content(bound.expires_at, bound.issuer, msgspec.Raw(bound.session))
        content = msgspec.json.encode(sealed)
        secret = self._tokens.seal(zlib.compress(content, level=9), nonce)
        if len(content) > MAX_CONTENT_BYTES or len(secret) > MAX_SECRET_CHARS:
            raise ClientSecretError(
                ClientSecretFault.TOO_LONG,
                "The session configuration is too long for a client secret.",
            )
        return secret

    def open(self, secret: str, now: float) -> BoundSession:
        """Return what `secret` stands for. Raises ClientSecretError (INVALID, EXPIRED)."""
        if len(secret) > MAX_SECRET_CHARS:
            raise _invalid()
        try:
            content = _decode(self._tokens.open(secret))
        except (SealedTokenError, zlib.error, msgspec.DecodeError) as error:
            raise _invalid() from error
        if now >= content.expires_at:
            raise ClientSecretError(ClientSecretFault.EXPIRED, "The client secret has expired.")
        return BoundSession(bytes(content.session), content.expires_at, content.issuer)


def _decode(compressed: bytes) -> _Content:
    inflater = zlib.decompressobj()
    content = inflater.decompress(compressed, MAX_CONTENT_BYTES)
    if not inflater.eof:
        raise zlib.error("incomplete or too long")
    return msgspec.json.decode(content, type=_Content)


def _invalid() -> ClientSecretError:
    return ClientSecretError(ClientSecretFault.INVALID, "The client secret is not valid.")
