"""`python -m bench.inference.stale_audio`: what comes too late behind a reader that stood still.

A client of the trunk takes nothing from gRPC for some seconds, and goes on then. Meanwhile `echo`
hears a microphone: counted is what was spoken before it went on and came after, on
the wire and out of the call's playout, as its caller hears it. And the embedded agent speaks and is
cancelled: counted is what comes of the answer. The largest of several rounds.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence

import grpc
import numpy as np

from antiphon_proto.audio_block import pack_frames, split_downlink_position, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import (
    UNSOLICITED,
    Cancel,
    Command,
    Item,
    ItemCreate,
    Open,
    PlaybackCredit,
    Respond,
    Role,
    SessionConfig,
)
from antiphon_proto.trunk.command_codec import command_to_protobuf
from bench.figures import publish, rounded
from bench.machine import machine
from bench.measured_process import MeasuredProcess
from transceiver.audio.playout import Playout

FRAME_S = 0.020
RATE = 24_000
FRAME_SAMPLES = round(FRAME_S * RATE)
ECHO, AGENT = 1, 2
QUESTION = "what can you do"
"""Its answer takes seven seconds."""
BEFORE_S, AFTER_S = 1.0, 3.0
CLIENT_OPTIONS = [("grpc.http2.bdp_probe", 0)]
"""With windows of 64 KiB, as the transceiver's."""
CREDIT_EVERY = 2
"""Frames."""


class Line:
    """A trunk that is read only while `reading` is set; gRPC itself goes on."""

    def __init__(
        self,
        trunk: "grpc.aio.StreamStreamCall[pb.Uplink, pb.Downlink]",
        on_audio: Callable[[int, int, bytes], None],
    ) -> None:
        """`on_audio` takes session, response and samples."""
        self._trunk = trunk
        self._on_audio = on_audio
        self._outgoing: asyncio.Queue[pb.Uplink] = asyncio.Queue()
        self.reading = asyncio.Event()

    def send(self, uplink: pb.Uplink) -> None:
        self._outgoing.put_nowait(uplink)

    def command(self, session: int, *commands: Command) -> None:
        self.send(pb.Uplink(commands=[command_to_protobuf(session, 0, each) for each in commands]))

    async def write(self) -> None:
        while True:
            await self._trunk.write(await self._outgoing.get())

    async def read(self) -> None:
        async for downlink in self._trunk:
            await self.reading.wait()
            for frame in unpack_frames(downlink.audio):
                response, _ = split_downlink_position(frame.position)
                self._on_audio(frame.session, response, frame.pcm)


class Round:
    """A call to each engine; a frame that the microphone gives holds its own number."""

    def __init__(
        self, trunk: "grpc.aio.StreamStreamCall[pb.Uplink, pb.Downlink]", stall_s: float
    ) -> None:
        self._line = Line(trunk, self._hear)
        self._stall = range(round(BEFORE_S / FRAME_S), round((BEFORE_S + stall_s) / FRAME_S))
        self._end = self._stall.stop + round(AFTER_S / FRAME_S)
        self._playout = Playout(RATE)
        self._resumed = False
        self._agent_ms = self._played_ms = 0.0
        self.wire_s = self.heard_s = self.cancelled_s = 0.0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            carrying = [tasks.create_task(self._line.write()), tasks.create_task(self._line.read())]
            await self._converse()
            for task in carrying:
                task.cancel()

    async def _converse(self) -> None:
        self._open()
        self._line.reading.set()
        began = time.monotonic()
        for number in range(self._end):
            await asyncio.sleep(began + number * FRAME_S - time.monotonic())
            if number == self._stall.start:
                self._line.reading.clear()
            if number == self._stall.stop:
                self._line.command(AGENT, Cancel(1, round(self._played_ms)))
                self._resumed = True
                self._line.reading.set()
            self._speak(number)
            self._listen()
            if number % CREDIT_EVERY == 0:
                self._line.command(AGENT, PlaybackCredit(1, round(self._played_ms)))

    def _open(self) -> None:
        self._line.command(ECHO, Open("bench-echo", "echo", SessionConfig(), ()))
        self._line.command(
            AGENT,
            Open("bench-agent", "cascade", SessionConfig(), ()),
            ItemCreate(Item("question", Role.USER, QUESTION)),
            Respond(1, "agent-1"),
        )

    def _speak(self, number: int) -> None:
        pcm = np.full(FRAME_SAMPLES, number + 1, "<i2").tobytes()
        position = number * FRAME_SAMPLES
        self._line.send(pb.Uplink(audio=pack_frames([(ECHO, position, pcm)])))

    def _listen(self) -> None:
        """A frame's time of the caller's."""
        self._played_ms = min(self._agent_ms, self._played_ms + 1000 * FRAME_S)
        frame = self._playout.next_frame()
        if frame is not None and self._resumed:
            self.heard_s += self._stale_s(frame)

    def _hear(self, session: int, response: int, pcm: bytes) -> None:
        if session == AGENT:
            if self._resumed:
                self.cancelled_s += len(pcm) / 2 / RATE
            self._agent_ms += 1000 * len(pcm) / 2 / RATE
            return
        self._playout.push(UNSOLICITED, pcm)
        if self._resumed:
            self.wire_s += self._stale_s(pcm)

    def _stale_s(self, pcm: bytes) -> float:
        """How much of it was spoken before the reader went on."""
        numbers = np.frombuffer(pcm, "<i2")
        return float(np.count_nonzero((numbers > 0) & (numbers <= self._stall.stop)) / RATE)


async def rounds_of(target: str, count: int, stall_s: float) -> list[Round]:
    found = []
    for _ in range(count):
        async with grpc.aio.insecure_channel(target, options=CLIENT_OPTIONS) as channel:
            found.append(Round(pb_grpc.InferenceStub(channel).Trunk(), stall_s))
            await found[-1].run()
    return found


def stale_audio(rounds: int, stall_s: float) -> dict[str, float | str]:
    command = [sys.executable, "-m", "inference", "--admin=127.0.0.1:0", "--grpc=127.0.0.1:0"]
    command += ["--log-level=warning"]
    with MeasuredProcess("inference-stale", command, set(range(1024))) as process:
        found = asyncio.run(rounds_of(str(process.report()["grpc"]), rounds, stall_s))
    return {
        "stale_audio.seconds": _largest([max(each.heard_s, each.cancelled_s) for each in found]),
        "stale_audio.live_on_the_wire.seconds": _largest([each.wire_s for each in found]),
        "stale_audio.live_heard.seconds": _largest([each.heard_s for each in found]),
        "stale_audio.cancelled.seconds": _largest([each.cancelled_s for each in found]),
        "stale_audio.stall_seconds": stall_s,
        "stale_audio.rounds": float(rounds),
    }


def _largest(seconds: Sequence[float]) -> float:
    return rounded(max(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--stall-seconds", type=float, default=3)
    arguments = parser.parse_args()
    publish("stale_audio", machine() | stale_audio(arguments.rounds, arguments.stall_seconds))


if __name__ == "__main__":
    main()
