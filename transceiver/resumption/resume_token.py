"""Resume tokens (`resume_...`): each names a session, its owner, and who may go on with it.

A sealed token (see sealed_token) around MessagePack. It is of no use without a key: whoever
resumes a session needs an API key, or the client secret that the session was made with.
"""

from dataclasses import dataclass
from enum import Enum

import msgspec

from antiphon_proto.address import Address, decode_address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.sealed_token import SealedTokenError, SealedTokens

PREFIX = "resume_"
MAX_CHARS = 1024
_KEY_LABEL = "resume token"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a session."""

    issuer: str
    """Fingerprint of the API key that answers for it."""
    creator: bytes | None = None
    """SHA-256 of the client secret that made it; None for an API key."""


@dataclass(frozen=True, slots=True)
class ResumeClaim:
    """What a token stands for."""

    session_id: str
    owner: Address
    """The tunnel address of the worker that held the session when the token was made."""
    origin: Origin
    expires_at: int
    """Unix seconds: by then the session is over."""
    cluster_id: int = 0
    """Of the owner's cluster."""


class TokenFault(Enum):
    """Why a token cannot be honoured."""

    INVALID = "invalid"
    EXPIRED = "expired"


class ResumeTokenError(ValueError):
    """`fault` says why a token cannot be honoured."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class _Content(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    session_id: str
    owner: bytes
    issuer: str
    creator: bytes | None
    expires_at: int
    cluster_id: int = 0


class ResumeTokens:
    """Mints and opens tokens under the keys of a deployment, old ones included."""

    def __init__(self, keys: ClusterKeys, cluster_id: int = 0) -> None:
        self.cluster_id = cluster_id
        """Of the cluster that this worker is in."""
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on, and honour all, none other."""
        self._tokens = SealedTokens(PREFIX, keys.derive_all(_KEY_LABEL))

    def mint(self, claim: ResumeClaim, nonce: bytes) -> str:
        """Return the token's text; `nonce` is 12 random bytes."""
        content = (
            claim.session_id,
            encode_address(claim.owner),
            claim.origin.issuer,
            claim.origin.creator,
            claim.expires_at,
        )
        cluster = (claim.cluster_id,) if claim.cluster_id else ()
        return self._tokens.seal(msgspec.msgpack.encode(content + cluster), nonce)

    def open(self, token: str, now: float) -> ResumeClaim:
        """Return what `token` stands for. Raises ResumeTokenError."""
        if len(token) > MAX_CHARS:
            raise ResumeTokenError(TokenFault.INVALID)
        try:
            content = _CONTENT.decode(self._tokens.open(token))
            owner = decode_address(content.owner)
        except (SealedTokenError, msgspec.DecodeError, ValueError) as error:
            raise ResumeTokenError(TokenFault.INVALID) from error
        if now >= content.expires_at:
            raise ResumeTokenError(TokenFault.EXPIRED)
        origin = Origin(content.issuer, content.creator)
        return ResumeClaim(
            content.session_id, owner, origin, content.expires_at, content.cluster_id
        )


_CONTENT = msgspec.msgpack.Decoder(_Content)
