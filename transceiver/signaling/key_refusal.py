"""Why a request was refused for the key that it came with."""

from enum import Enum


class KeyRefusal(Enum):
    """A label of `antiphon_transceiver_key_refusals_total`."""

    NO_KEY = "no_key"
    """It came without one."""
    UNKNOWN_KEY = "unknown_key"
    """The API key is not listed."""
    INVALID_SECRET = "invalid_secret"  # noqa: S105
    """The client secret was not made by this cluster, or under cluster keys that are gone."""
    EXPIRED_SECRET = "expired_secret"  # noqa: S105
    """The client secret has expired."""
    REVOKED_SECRET = "revoked_secret"  # noqa: S105
    """The API key that minted the client secret is not listed any more."""
    NO_RIGHTS = "no_rights"
    """A client secret where an API key, or another secret, is needed."""
    REQUEST_RATE = "request_rate"
    """The key's requests, or its sessions' responses, came too fast."""
    SESSIONS = "sessions"
    """The key had as many sessions open as it may."""
