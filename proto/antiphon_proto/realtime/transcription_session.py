"""A session that only transcribes, as clients see it.

https://platform.openai.com/docs/guides/realtime-transcription
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from antiphon_proto.realtime.resume import Resume
from antiphon_proto.realtime.session import AudioInput, Include, RealtimeSession


class TranscriptionAudio(Struct, frozen=True, kw_only=True):
    """There is no other direction."""

    input: AudioInput


class TranscriptionSession(Struct, frozen=True, kw_only=True):
    """The whole effective configuration; members as in `RealtimeSession`."""

    type: Literal["transcription"] = "transcription"
    object: Literal["realtime.transcription_session"] = "realtime.transcription_session"
    id: str
    expires_at: int | None
    audio: TranscriptionAudio
    include: Include | None
    resume: Resume | UnsetType = UNSET


def shown_session(session: RealtimeSession) -> RealtimeSession | TranscriptionSession:
    """The session as events and responses show it, without the secrets of MCP servers."""
    if session.type == "realtime":
        return session.without_secrets
    return TranscriptionSession(
        id=session.id,
        expires_at=session.expires_at,
        audio=TranscriptionAudio(input=session.audio.input),
        include=session.include,
        resume=session.resume,
    )
