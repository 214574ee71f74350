"""An engine that records what it is asked and emits what a test tells it to."""

from collections.abc import Sequence

from antiphon_proto.trunk import Item, Ready, Respond, SessionConfig
from inference.engine import Capabilities, Emit

INPUT_RATE, OUTPUT_RATE = 16_000, 24_000


class ScriptedSession:
    """Records what it is asked and emits what a test tells it to."""

    def __init__(self, config: SessionConfig, history: Sequence[Item], emit: Emit) -> None:
        self.config = config
        self.history = list(history)
        self.emit = emit
        self.heard: list[tuple[int, bytes]] = []
        self.asked: list[tuple[object, ...]] = []
        self.fault: Exception | None = None

    def push_audio(self, position: int, pcm: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.heard.append((position, pcm))

    def update(self, config: SessionConfig) -> None:
        self.config = config

    def commit(self, item_id: str) -> None:
        self._ask("commit", item_id)

    def clear_input(self) -> None:
        self._ask("clear_input")

    def respond(self, request: Respond) -> None:
        self._ask("respond", request)

    def cancel(self, response: int, played_ms: int) -> None:
        self._ask("cancel", response, played_ms)

    def played(self, response: int, played_ms: int) -> None:
        self._ask("played", response, played_ms)

    def create_item(self, item: Item, previous_item_id: str) -> None:
        self._ask("create_item", item, previous_item_id)

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        self._ask("truncate_item", item_id, audio_end_ms)

    def delete_item(self, item_id: str) -> None:
        self._ask("delete_item", item_id)

    def close(self, reason: str) -> None:
        self._ask("close", reason)

    def _ask(self, *request: object) -> None:
        self.asked.append(request)
        if self.fault is not None and request[0] != "close":
            raise self.fault


class ScriptedEngine:
    name = "scripted"
    capabilities = Capabilities(INPUT_RATE, OUTPUT_RATE, full_duplex=False)

    def __init__(self) -> None:
        self.sessions: list[ScriptedSession] = []
        self.refusal: Exception | None = None

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def unready_reason(self) -> str | None:
        return None

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> ScriptedSession:
        if self.refusal is not None:
            raise self.refusal
        emit(Ready(self.name, INPUT_RATE, OUTPUT_RATE, full_duplex=False))
        self.sessions.append(ScriptedSession(config, history, emit))
        return self.sessions[-1]
