"""`python -m bench.websocket.stamping_inference`: the inference tier with an endless engine.

It answers each `response.create` by sound in real time until it is cancelled, whose every frame
begins with the monotonic time of its making; and notes when each frame of input came, as
`FrameNotes` under the session's instructions.
"""

import asyncio
import contextlib
import os
import struct
import sys
import time
from collections.abc import Sequence

import uvloop

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    Item,
    Ready,
    Respond,
    ResponseStarted,
    SessionConfig,
)
from bench.transceiver.frame_notes import NOTES_VARIABLE, FrameNotes
from chassis.settings import load
from inference.config import InferenceConfig
from inference.engine import Capabilities, Emit
from inference.engine_output import Audio
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.echo import EchoSession
from inference.server import serve

INPUT_RATE, OUTPUT_RATE = 16_000, 24_000
"""Those of the cascade."""

FRAME_MS = 100
"""As LiveKit's plugin for the Realtime API appends."""
STAMP = struct.Struct("<Q")
"""Nanoseconds, where the first samples of a frame would be."""

_SOUND = os.urandom(OUTPUT_RATE * FRAME_MS // 1000 * BYTES_PER_SAMPLE - STAMP.size)


class StampingEngine:
    """All its answers are spoken by one task, each at a phase of its own."""

    name = "stamping"
    capabilities = Capabilities(INPUT_RATE, OUTPUT_RATE, full_duplex=False)

    def __init__(self) -> None:
        self._answering: dict[StampingSession, float] = {}
        self._speaking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._speaking = asyncio.create_task(self._speak())

    async def close(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    def unready_reason(self) -> str | None:
        return None

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> "StampingSession":
        emit(Ready(self.name, INPUT_RATE, OUTPUT_RATE, full_duplex=False))
        return StampingSession(config, emit, self._answering)

    async def _speak(self) -> None:
        while True:
            now = time.monotonic()
            for session, due in list(self._answering.items()):
                if due <= now:
                    self._answering[session] = due + FRAME_MS / 1000
                    session.speak()
            await asyncio.sleep(0.001)


class StampingSession(EchoSession):
    def __init__(
        self, config: SessionConfig, emit: Emit, answering: dict["StampingSession", float]
    ) -> None:
        super().__init__(config, emit)
        self._answering = answering
        self._response = 0
        self._notes = FrameNotes("", None)

    def update(self, config: SessionConfig) -> None:
        super().update(config)
        self._notes = FrameNotes(config.instructions, os.environ.get(NOTES_VARIABLE))

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._notes.add(position / INPUT_RATE, time.monotonic())

    def respond(self, request: Respond) -> None:
        self._response = request.response
        self._emit(ResponseStarted(request.response))
        self._answering[self] = time.monotonic()

    def speak(self) -> None:
        stamp = STAMP.pack(time.monotonic_ns())
        self._emit(Audio(self._response, stamp + _SOUND))

    def cancel(self, response: int, played_ms: int) -> None:
        if self._answering.pop(self, None) is not None:
            self._emit(Done(response, DoneStatus.CANCELLED))

    def close(self, reason: str) -> None:
        self._answering.pop(self, None)
        self._notes.write()
        super().close(reason)


def main() -> int:
    config = load(InferenceConfig, sys.argv[1:], os.environ, prog="python -m inference")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(config, [StampingEngine()], CascadeCounters()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
