"""A replica whose engines do what a scenario says, behind a real gRPC server."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from antiphon_proto import trunk
from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from chassis.host_port import HostPort
from inference.admission import Admission
from inference.engine import Capabilities, Emit
from inference.engine_output import Audio, EngineOutput
from inference.server import serve_trunks
from inference.servicer import InferenceServicer
from inference.trunk_counters import TrunkCounters

INPUT_RATE, OUTPUT_RATE = 16_000, 24_000
MAX_SESSIONS = 1000
_LOUDNESS = b"\x00\x10"


class ScriptedSession:
    """Keeps what it is asked, but for credit, and emits what it is told to."""

    def __init__(self, config: trunk.SessionConfig, history: Sequence[trunk.Item], emit: Emit):
        self.config = config
        self.history = tuple(history)
        self.commands: asyncio.Queue[trunk.Command] = asyncio.Queue()
        self.heard_ms = 0.0
        self._begun: dict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._emit = emit

    async def asked_for(self, response: int) -> None:
        """Return once this response was asked for: before that nothing of it is passed on."""
        await self._begun[response].wait()

    def emit(self, output: EngineOutput) -> None:
        self._emit(output)

    def speak(self, response: int, milliseconds: int) -> None:
        """Emit audio that is not silent."""
        self._emit(Audio(response, _LOUDNESS * (OUTPUT_RATE * milliseconds // 1000)))

    def push_audio(self, position: int, pcm: bytes) -> None:
        self.heard_ms += len(pcm) / BYTES_PER_SAMPLE / INPUT_RATE * 1000

    def update(self, config: trunk.SessionConfig) -> None:
        self.config = config
        self.commands.put_nowait(trunk.Update(config))

    def commit(self, item_id: str) -> None:
        self.commands.put_nowait(trunk.Commit(item_id))

    def clear_input(self) -> None:
        self.commands.put_nowait(trunk.ClearInput())

    def respond(self, request: trunk.Respond) -> None:
        self.commands.put_nowait(request)
        self._begun[request.response].set()

    def cancel(self, response: int, played_ms: int) -> None:
        self.commands.put_nowait(trunk.Cancel(response, played_ms))

    def played(self, response: int, played_ms: int) -> None:
        """How much is asked by time, and no scenario's to say."""

    def create_item(self, item: trunk.Item, previous_item_id: str) -> None:
        self.commands.put_nowait(trunk.ItemCreate(item, previous_item_id))

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        self.commands.put_nowait(trunk.ItemTruncate(item_id, audio_end_ms))

    def delete_item(self, item_id: str) -> None:
        self.commands.put_nowait(trunk.ItemDelete(item_id))

    def close(self, reason: str) -> None:
        self.commands.put_nowait(trunk.Close(reason))


class ScriptedEngine:
    """Its `sessions` are in the order in which they were opened."""

    def __init__(self, name: str, *, judges: bool = False, full_duplex: bool = False) -> None:
        self.name = name
        self.capabilities = Capabilities(INPUT_RATE, OUTPUT_RATE, full_duplex=full_duplex)
        self.sessions: list[ScriptedSession] = []
        self._judges = judges

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def unready_reason(self) -> str | None:
        return None

    def open(
        self,
        config: trunk.SessionConfig,
        history: Sequence[trunk.Item],
        emit: Emit,
        session_key: str = "",
    ) -> ScriptedSession:
        ready = trunk.Ready(
            self.name,
            INPUT_RATE,
            OUTPUT_RATE,
            full_duplex=self.capabilities.full_duplex,
            judges_interruptions=self._judges,
        )
        emit(ready)
        self.sessions.append(ScriptedSession(config, history, emit))
        return self.sessions[-1]


class ScriptedReplica:
    """Serves the models `scripted`, `judging` (which weighs interruptions) and `duplex`."""

    def __init__(self) -> None:
        self.engines = (
            ScriptedEngine("scripted"),
            ScriptedEngine("judging", judges=True),
            ScriptedEngine("duplex", full_duplex=True),
        )

    def sessions(self, model: str) -> list[ScriptedSession]:
        """Of this model, in the order in which they were opened."""
        return next(engine for engine in self.engines if engine.name == model).sessions

    @asynccontextmanager
    async def served(self) -> AsyncIterator[HostPort]:
        """At the address it gives."""
        servicer = InferenceServicer(
            self.engines, Admission(MAX_SESSIONS), TrunkCounters(), lambda _done: None
        )
        server, address = await serve_trunks(HostPort("127.0.0.1", 0), servicer)
        try:
            yield address
        finally:
            await server.stop(0.2)
