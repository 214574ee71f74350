"""A session's other end in tests: speaks, and does what a transceiver does at a turn's end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from antiphon_proto.trunk import (
    Done,
    InputTranscript,
    Item,
    Respond,
    SessionConfig,
    TextDelta,
    Transcription,
    TurnDetection,
    TurnEnded,
)
from inference.engine import Engine
from inference.engine_output import Audio, EngineOutput

FRAME_BYTES = 640
TIMEOUT_S = 10.0

SERVER_VAD = SessionConfig(turn_detection=TurnDetection(), transcription=Transcription())
MANUAL = SessionConfig(transcription=Transcription())

OutputT = TypeVar("OutputT", bound=EngineOutput)


class Caller:
    """Commits each turn as item `user-N` and asks for response N, item `agent-N`."""

    def __init__(
        self,
        engine: Engine,
        config: SessionConfig = SERVER_VAD,
        history: Sequence[Item] = (),
        *,
        answers: bool = True,
    ) -> None:
        self.outputs: list[EngineOutput] = []
        self.turns = 0
        self.responses = 0
        self.position = 0
        self._answers = answers
        self._changed = asyncio.Event()
        self.session = engine.open(config, history, self._take)

    def _take(self, output: EngineOutput) -> None:
        self.outputs.append(output)
        self._changed.set()
        if isinstance(output, TurnEnded):
            self.commit()
            if self._answers:
                self.respond()

    def commit(self) -> None:
        self.turns += 1
        self.session.commit(f"user-{self.turns}")

    def respond(self, config: SessionConfig | None = None, *, said: str = "") -> None:
        self.responses += 1
        item_id = f"agent-{self.responses}"
        self.session.respond(Respond(self.responses, item_id, config, said=said))

    async def speak(self, pcm: bytes) -> None:
        """Send samples in frames of 20 ms, faster than real time."""
        for start in range(0, len(pcm), FRAME_BYTES):
            frame = pcm[start : start + FRAME_BYTES]
            self.session.push_audio(self.position, frame)
            self.position += len(frame) // 2
            await asyncio.sleep(0)

    def all(self, kind: type[OutputT]) -> list[OutputT]:
        return [output for output in self.outputs if isinstance(output, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until outputs make `condition` hold; fails after TIMEOUT_S."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def done(self, response: int | None = None) -> Done:
        """The Done of a response, by default of the latest."""
        wanted = response or max(1, self.responses)
        await self.until(lambda: any(done.response == wanted for done in self.all(Done)))
        return next(done for done in self.all(Done) if done.response == wanted)

    async def transcript(self, turn: int = 1) -> InputTranscript:
        """The final transcript of a turn."""
        item_id = f"user-{turn}"
        await self.until(lambda: any(it.item_id == item_id for it in self.all(InputTranscript)))
        return next(it for it in self.all(InputTranscript) if it.item_id == item_id)

    async def ask(self, pcm: bytes) -> str:
        """Speak, and give the text of the answer."""
        asked = self.responses
        await self.speak(pcm)
        await self.until(lambda: self.responses > asked)
        await self.done()
        return self.answer()

    def answer(self, response: int | None = None) -> str:
        wanted = response or self.responses
        return "".join(delta.text for delta in self.all(TextDelta) if delta.response == wanted)

    def audio(self, response: int | None = None) -> bytes:
        wanted = response or self.responses
        return b"".join(audio.pcm for audio in self.all(Audio) if audio.response == wanted)


def stopwatch() -> Callable[[], float]:
    """Seconds since this call."""
    started = time.monotonic()
    return lambda: time.monotonic() - started
