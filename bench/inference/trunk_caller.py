"""A caller on a replica's trunk: speaks as a microphone does, and asks for answers as a
transceiver does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc

from antiphon_proto.audio_block import pack_frames, split_downlink_position, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import (
    Cancel,
    Command,
    Commit,
    Done,
    Error,
    Event,
    Open,
    Ready,
    Respond,
    SessionConfig,
    TurnEnded,
)
from antiphon_proto.trunk.command_codec import command_to_protobuf
from antiphon_proto.trunk.event_codec import event_from_protobuf

RATE = 16_000
FRAME_SAMPLES = RATE // 50
SESSION = 1
TIMEOUT_S = 20.0


class CallError(Exception):
    """The replica said that something failed."""


@dataclass(slots=True)
class Answer:
    """What came of one response; instants are monotonic seconds."""

    turn_ended_at: float
    first_audio_at: float | None = None
    done: Done | None = None


class TrunkCaller:
    """One session; answers are cancelled at their first audio, so that the next turn can come."""

    def __init__(self, trunk: "grpc.aio.StreamStreamCall[pb.Uplink, pb.Downlink]") -> None:
        self._trunk = trunk
        self._outgoing: asyncio.Queue[pb.Uplink] = asyncio.Queue()
        self._position = 0
        self.answers: list[Answer] = []
        self._changed = asyncio.Event()
        self._failure: BaseException | None = None
        self._ready = False

    async def open(self, config: SessionConfig) -> None:
        self.command(Open("bench", "cascade", config, ()))
        await self.until(lambda: self._ready)

    async def speak(self, pcm: bytes) -> float:
        """Send 16 bit samples as they would be spoken; when the first of them was, by the clock."""
        began = time.monotonic()
        for start in range(0, len(pcm), 2 * FRAME_SAMPLES):
            frame = pcm[start : start + 2 * FRAME_SAMPLES]
            spoken_at = began + (start + len(frame)) / 2 / RATE
            await asyncio.sleep(spoken_at - time.monotonic())
            block = pack_frames([(SESSION, self._position, frame)])
            self._outgoing.put_nowait(pb.Uplink(audio=block))
            self._position += len(frame) // 2
        return began

    async def until(self, condition: Callable[[], object]) -> None:
        """Raises CallError, and TimeoutError."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                if self._failure is not None:
                    raise CallError(str(self._failure))
                self._changed.clear()
                await self._changed.wait()

    async def write(self) -> None:
        while True:
            await self._trunk.write(await self._outgoing.get())

    async def read(self) -> None:
        try:
            async for downlink in self._trunk:
                now = time.monotonic()
                for message in downlink.events:
                    self.hear(event_from_protobuf(message), now)
                for frame in unpack_frames(downlink.audio):
                    self.hear_audio(split_downlink_position(frame.position)[0], now)
                self._changed.set()
        except (grpc.aio.AioRpcError, CallError) as error:
            self._failure = error
            self._changed.set()

    def hear(self, event: Event | None, now: float) -> None:
        match event:
            case Ready():
                self._ready = True
            case TurnEnded():
                number = len(self.answers) + 1
                self.answers.append(Answer(now))
                self.command(Commit(f"user-{number}"), Respond(number, f"agent-{number}"))
            case Done(response):
                self.answers[response - 1].done = event
            case Error(code, text):
                raise CallError(f"{code}: {text}")

    def hear_audio(self, response: int, now: float) -> None:
        answer = self.answers[response - 1]
        if answer.first_audio_at is None:
            answer.first_audio_at = now
            self.command(Cancel(response, 0))

    def command(self, *commands: Command) -> None:
        messages = [command_to_protobuf(SESSION, 0, command) for command in commands]
        self._outgoing.put_nowait(pb.Uplink(commands=messages))


CallerT = TypeVar("CallerT", bound=TrunkCaller)


@asynccontextmanager
async def trunk_caller(
    target: str, config: SessionConfig, make: type[CallerT]
) -> AsyncIterator[CallerT]:
    """A session on the replica at `target`, of which `make` has charge."""
    async with grpc.aio.insecure_channel(target) as channel:
        caller = make(pb_grpc.InferenceStub(channel).Trunk())
        tasks = [asyncio.create_task(caller.write()), asyncio.create_task(caller.read())]
        try:
            await caller.open(config)
            yield caller
        finally:
            for task in tasks:
                task.cancel()
