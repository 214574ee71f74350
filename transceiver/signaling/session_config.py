"""What a session is to be, from everything that its client may have said about it."""

import msgspec

from antiphon_proto.realtime.session import RealtimeSession
from transceiver.mcp.definitions import Definitions


def layered_session(
    *, bound: bytes | None = None, model: str | None = None, given: bytes | None = None
) -> RealtimeSession:
    """Lay configurations over the defaults, each over those before it.

    `bound` was sealed in the client secret, `model` stood in the URL's query,
    `given` came in the request's body; `bound` and `given` are JSON objects.
    Raises RealtimeError.
    """
    session = RealtimeSession()
    if bound is not None:
        session = session.merged(bound)
    if model is not None:
        session = session.merged(msgspec.json.encode({"model": model}), param="")
    if given is not None:
        session = session.merged(given)
    Definitions().adopt(session.tools, "session.tools")
    return session
