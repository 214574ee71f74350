"""Errors as clients are told of them."""

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import server_events as api


def error_event(
    kind: api.ErrorKind, error: RealtimeError, event_id: str | None = None
) -> api.Error:
    """`event_id` is the client's own, of the event that is refused."""
    details = api.ErrorDetails(
        type=kind,
        code=error.code,
        message=error.message,
        param=error.param,
        event_id=event_id,
    )
    return api.Error(error=details)
