"""The engine that gives back what it hears: the smoke test of an installation.

Full duplex: what is heard leaves at once as response 0. It understands nothing,
so turns are never detected and a response it is asked for is empty.
"""

from collections.abc import Sequence

from antiphon_proto.trunk import (
    UNSOLICITED,
    Done,
    DoneStatus,
    InputTranscript,
    Item,
    Ready,
    Respond,
    ResponseStarted,
    SessionConfig,
)
from inference.engine import Capabilities, Emit
from inference.engine_output import Audio
from inference.error_code import EngineError, ErrorCode

SAMPLE_RATE = 24_000


class EchoEngine:
    """Opens sessions that need nothing but their own input."""

    name = "echo"
    capabilities = Capabilities(SAMPLE_RATE, SAMPLE_RATE, full_duplex=True)

    async def start(self) -> None:
        """There is nothing to start."""

    async def close(self) -> None:
        """There is nothing to close."""

    def unready_reason(self) -> str | None:
        return None

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> "EchoSession":
        emit(Ready(self.name, SAMPLE_RATE, SAMPLE_RATE, full_duplex=True))
        return EchoSession(config, emit)


class EchoSession:
    def __init__(self, config: SessionConfig, emit: Emit) -> None:
        self._config = config
        self._emit = emit

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._emit(Audio(UNSOLICITED, pcm))

    def update(self, config: SessionConfig) -> None:
        self._config = config

    def commit(self, item_id: str) -> None:
        if self._config.transcription is not None:
            error = "the echo engine recognises no speech"
            self._emit(InputTranscript(item_id, "", final=True, error=error))

    def clear_input(self) -> None:
        """Nothing of the input is kept."""

    def respond(self, request: Respond) -> None:
        if request.out_of_band or request.context is not None:
            raise EngineError(ErrorCode.UNSUPPORTED_RESPONSE, "the echo engine has no words")
        self._emit(ResponseStarted(request.response))
        self._emit(Done(request.response, DoneStatus.COMPLETED))

    def cancel(self, response: int, played_ms: int) -> None:
        """Responses are done as soon as they start."""

    def played(self, response: int, played_ms: int) -> None:
        """Echoed audio needs no credit."""

    def create_item(self, item: Item, previous_item_id: str) -> None:
        """No conversation is kept."""

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        """No conversation is kept."""

    def delete_item(self, item_id: str) -> None:
        """No conversation is kept."""

    def close(self, reason: str) -> None:
        """Nothing is held."""
