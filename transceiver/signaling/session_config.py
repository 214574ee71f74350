"""What a session is to be, from everything that its client may have said about it."""

import contextlib
import re

import msgspec

from antiphon_proto.realtime.session import RealtimeSession, SessionType
from transceiver.mcp.definitions import Definitions
from transceiver.session_state import check_session_size

_TRANSCRIPTION_MODEL = re.compile(r".*(?:transcribe|whisper).*")
"""OpenAI's models with such names only transcribe, and so do the sessions that ask for them."""


class _Typed(msgspec.Struct):
    type: object = None


_TYPED = msgspec.json.Decoder(_Typed)


def layered_session(
    *,
    bound: bytes | None = None,
    model: str | None = None,
    given: bytes | None = None,
    transcribes: bool = False,
) -> RealtimeSession:
    """Lay configurations over the defaults, each over those before it.

    `bound` was sealed in the client secret, `model` stood in the URL's query,
    `given` came in the request's body; `bound` and `given` are JSON objects. `transcribes`:
    the URL asks for a session that only transcribes. Raises RealtimeError.
    """
    session = RealtimeSession.of_type(
        "transcription" if transcribes else _stated_type(bound, given, model)
    )
    if bound is not None:
        session = session.merged(bound)
    if model is not None:
        session = session.merged(msgspec.json.encode({"model": model}), param="")
    if given is not None:
        session = session.merged(given)
    Definitions().adopt(session.tools, "session.tools")
    check_session_size(session)
    return session


def _stated_type(bound: bytes | None, given: bytes | None, model: str | None) -> SessionType:
    """What a session is; where nothing says it, its model may."""
    for text in filter(None, (bound, given)):
        # What cannot be read is refused when it is merged.
        with contextlib.suppress(ValueError, RecursionError):
            stated = _TYPED.decode(text).type
            if stated in ("realtime", "transcription"):
                return "transcription" if stated == "transcription" else "realtime"
    return "transcription" if _TRANSCRIPTION_MODEL.fullmatch(model or "") else "realtime"
