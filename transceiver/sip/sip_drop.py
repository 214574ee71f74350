"""Why a SIP message went no further, or a connection was ended; each value is a metric label."""

from enum import Enum


class SipDrop(Enum):
    """On the way between the sockets and the user agent."""

    NOT_SIP = "not_sip"
    """A datagram or a WebSocket message that does not begin as SIP does."""
    FRAMING = "framing"
    """Bytes of a connection that are no messages with a Content-Length; it was closed."""
    TOO_LONG = "too_long"
    """A message of more than 65535 bytes."""
    SOURCE_LIMIT = "source_limit"
    """More than is read of a source that is not known."""
    CONNECTION_LIMIT = "connection_limit"
    """A connection beyond those that a source, or all of them, may have."""
    SLOW_PEER = "slow_peer"
    """A peer that does not read; its connection was closed."""
    CONNECTION_GONE = "connection_gone"
    """A message for a connection that is over, or could not be made."""
    SEND_FAILED = "send_failed"
    """A datagram that the system would not send."""
    NOT_LOCATED = "not_located"
    """A request for a host without an address, or by a transport that is not served."""
    WORKER_UNREACHABLE = "worker_unreachable"
    """A message from or for another worker, which does not answer."""
    WORKER_BACKLOG = "worker_backlog"
    """A message for another worker, for which too many wait already."""
