"""What clients are told of calls that end by the server's doing, but for the engine's.

There is no event that a session is over: an `error` event says so, as the API's own does
when a session has lasted for as long as it may, and the channel closes behind it.
"""

from collections.abc import Mapping

from antiphon_proto.realtime.server_events import ErrorDetails
from transceiver.close_reason import CloseReason

FAREWELLS: Mapping[CloseReason, ErrorDetails] = {
    CloseReason.MAX_DURATION: ErrorDetails(
        type="invalid_request_error",
        code="session_expired",
        message="Your session hit its maximum duration.",
    ),
    CloseReason.IDLE: ErrorDetails(
        type="invalid_request_error",
        code="session_idle",
        message="Your session was closed: for long neither side spoke, nor did you send events.",
    ),
    CloseReason.SHUTDOWN: ErrorDetails(
        type="server_error",
        code="draining",
        message="Your session was closed: this server is about to restart.",
    ),
}
"""By reason; of the others the client knows, or cannot be told."""
