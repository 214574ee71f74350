"""The session's configuration as it stands, and what an engine is told of it."""

import msgspec
from msgspec import Raw

from antiphon_proto.realtime import RealtimeError, RealtimeSession
from antiphon_proto.realtime.response import ResponseParams
from antiphon_proto.realtime.session import RetentionRatio, SemanticVad, ServerVad, TokenLimits
from antiphon_proto.realtime.session import Transcription as WantedTranscription
from antiphon_proto.realtime.session import Truncation as WantedTruncation
from antiphon_proto.realtime.session import TurnDetection as WantedTurnDetection
from antiphon_proto.realtime.transcription_session import TranscriptionSession, shown_session
from antiphon_proto.trunk import (
    Eagerness,
    SessionConfig,
    Transcription,
    Truncation,
    TurnDetection,
    TurnDetectionKind,
)
from transceiver.mcp.toolbox import Offer, Toolbox

MAX_SESSION_BYTES = 192 * 1024
"""As JSON: `session.updated` must fit into one data channel message."""

MIN_THRESHOLD = 0.01
MIN_RETENTION_RATIO = 0.01

_KINDS = {
    ServerVad: TurnDetectionKind.SERVER_VAD,
    SemanticVad: TurnDetectionKind.SEMANTIC_VAD,
}
_EAGERNESS = {
    "low": Eagerness.LOW,
    "medium": Eagerness.MEDIUM,
    "auto": Eagerness.MEDIUM,
    "high": Eagerness.HIGH,
}


def check_session_size(session: RealtimeSession) -> None:
    """Raises RealtimeError for a configuration that would not fit into an event."""
    if len(msgspec.json.encode(session)) > MAX_SESSION_BYTES:
        raise RealtimeError(
            "session_too_large",
            f"A session's configuration has at most {MAX_SESSION_BYTES} bytes.",
            param="session",
        )


class SessionState:
    """Holds the effective configuration.

    `voice_fixed` is set once the agent has spoken: a conversation has one voice. The secrets
    of MCP servers are in `toolbox` only.
    """

    def __init__(self, session: RealtimeSession) -> None:
        self.toolbox = Toolbox()
        shown = self.toolbox.definitions.adopt(session.tools, "session.tools")
        self.current = msgspec.structs.replace(session, tools=shown)
        self.voice_fixed = False

    @property
    def turn_detection(self) -> WantedTurnDetection | None:
        return self.current.audio.input.turn_detection

    @property
    def transcribes(self) -> bool:
        return self.current.audio.input.transcription is not None

    @property
    def only_transcribes(self) -> bool:
        """Whether nobody answers."""
        return self.current.type == "transcription"

    @property
    def shown(self) -> RealtimeSession | TranscriptionSession:
        """The configuration as clients see it."""
        return shown_session(self.current)

    def check_answers(self) -> None:
        """Raises RealtimeError where nobody answers."""
        if self.only_transcribes:
            raise RealtimeError(
                "unsupported_in_transcription_session", "A transcription session has no responses."
            )

    def update(self, patch: bytes, *, answering: bool = False) -> None:
        """Lay a `session.update` over the configuration. The model stays what it is: clients
        send the name that they were built with. Raises RealtimeError, and changes nothing then.

        `answering`: the agent's turn is not over.
        """
        merged = self.current.merged(patch)
        merged = msgspec.structs.replace(merged, model=self.current.model)
        before, after = self.current.audio.output, merged.audio.output
        if self.voice_fixed and before.voice != after.voice:
            raise RealtimeError(
                "cannot_update_voice",
                "Cannot update a conversation's voice once the assistant has spoken.",
                param="session.audio.output.voice",
            )
        if answering and before.speed != after.speed:
            raise RealtimeError(
                "cannot_update_speed",
                "Cannot update the speed of speech while the assistant answers.",
                param="session.audio.output.speed",
            )
        check_session_size(merged)
        shown = self.toolbox.definitions.adopt(merged.tools, "session.tools")
        self.current = msgspec.structs.replace(merged, tools=shown)

    def for_response(self, params: ResponseParams) -> RealtimeSession:
        """The configuration that a `response.create` asks for. Raises RealtimeError."""
        merged = self.current.merged(_overrides(params), param="response")
        audio = msgspec.structs.replace(merged.audio, input=self.current.audio.input)
        shown = self.toolbox.definitions.adopt_once(merged.tools, "response.tools")
        return msgspec.structs.replace(merged, audio=audio, tools=shown)

    def engine_config(self) -> SessionConfig:
        return _engine_config(self.current, self.toolbox.offer(self.current))

    def engine_config_for(
        self, session: RealtimeSession, params: ResponseParams
    ) -> tuple[SessionConfig, Offer]:
        """How to answer once, where `for_response` gave `session`. Raises RealtimeError."""
        if bytes(params.tool_choice) != b"null":
            self.toolbox.check_choice(session, "response")
        offer = self.toolbox.offer(session, approvals=params.conversation != "none")
        return _engine_config(session, offer), offer


def _engine_config(session: RealtimeSession, offer: Offer) -> SessionConfig:
    """What an engine needs to know of a configuration."""
    limit = session.max_output_tokens
    return SessionConfig(
        instructions=session.instructions,
        voice=session.audio.output.voice,
        turn_detection=_turn_detection(session.audio.input.turn_detection),
        # Another engine that takes over is told the user's words, not their sound.
        transcription=_transcription(session.audio.input.transcription) or Transcription(),
        text_only=session.text_only,
        tools=offer.tools,
        tool_choice=offer.choice,
        max_output_tokens=0 if limit == "inf" else limit,
        speed=session.audio.output.speed,
        parallel_tool_calls=session.parallel_tool_calls,
        truncation=_truncation(session.truncation),
    )


def _overrides(params: ResponseParams) -> bytes:
    given = {
        "instructions": params.instructions,
        "output_modalities": params.output_modalities,
        "audio": params.audio,
        "tools": params.tools,
        "tool_choice": params.tool_choice,
        "max_output_tokens": params.max_output_tokens,
        "parallel_tool_calls": params.parallel_tool_calls,
        "modalities": params.modalities,
        "voice": params.voice,
        "output_audio_format": params.output_audio_format,
        "max_response_output_tokens": params.max_response_output_tokens,
    }
    return msgspec.json.encode(
        {name: value for name, value in given.items() if value not in (None, Raw(b"null"))}
    )


def _truncation(wanted: WantedTruncation) -> Truncation:
    if not isinstance(wanted, RetentionRatio):
        return Truncation(disabled=wanted == "disabled")
    limits = wanted.token_limits or TokenLimits()
    # 0 would leave it to the engine.
    ratio = max(wanted.retention_ratio, MIN_RETENTION_RATIO)
    return Truncation(retention_ratio=ratio, max_tokens=limits.post_instructions or 0)


def _turn_detection(wanted: WantedTurnDetection | None) -> TurnDetection | None:
    if wanted is None:
        return None
    vad = wanted if isinstance(wanted, ServerVad) else ServerVad()
    semantic = wanted if isinstance(wanted, SemanticVad) else SemanticVad()
    return TurnDetection(
        kind=_KINDS[type(wanted)],
        # 0 would be the default to the engine.
        threshold=max(vad.threshold, MIN_THRESHOLD),
        prefix_padding_ms=vad.prefix_padding_ms,
        silence_duration_ms=vad.silence_duration_ms,
        create_response=wanted.create_response,
        eagerness=_EAGERNESS[semantic.eagerness],
    )


def _transcription(wanted: WantedTranscription | None) -> Transcription | None:
    if wanted is None:
        return None
    languages, keywords = wanted.languages or [], wanted.keywords or []
    # One that may be any of several is left to the engine.
    language = wanted.language or (languages[0] if len(languages) == 1 else "")
    return Transcription(wanted.model or "", language, wanted.prompt or ", ".join(keywords))
