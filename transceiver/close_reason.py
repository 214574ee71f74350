"""Why a call ended; each value is also a metric label."""

from enum import Enum


class CloseReason(Enum):
    """What ended a call. An operator reads these in logs and metrics."""

    CLIENT_HANGUP = "client_hangup"
    """The client, or its application by the API, hung up."""
    DTLS_CLOSED = "dtls_closed"
    """The client closed the DTLS association, as a closing browser tab does."""
    DTLS_FAILED = "dtls_failed"
    """The handshake failed, or the certificate was not the one of the offer."""
    CHANNEL_BROKEN = "channel_broken"
    """The client left its events unread, or overran the limits of its messages."""
    CONSENT_LOST = "consent_lost"
    """No authenticated sign of the client for 30 s (RFC 7675); or a WebSocket's ping unanswered."""
    SETUP_TIMEOUT = "setup_timeout"
    """The client never connected."""
    CANCELLED = "cancelled"
    """The client left before its offer was answered."""
    ENGINE_FAILED = "engine_failed"
    """The engine refused the session or gave it up, or its replica was lost."""
    MAX_DURATION = "max_duration"
    """The call was as long as calls may be."""
    IDLE = "idle"
    """For long neither side spoke, nor did the client send events."""
    SHUTDOWN = "shutdown"
    """This worker stops, and its time to drain is over."""
    INTERNAL_ERROR = "internal_error"
    """A defect in this program."""
