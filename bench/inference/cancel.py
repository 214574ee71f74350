"""`python -m bench.inference.cancel`: from a Cancel to silence on the trunk.

Sessions of the embedded agent speak over one trunk of an inference process, which is told what
was played of them every 40 ms, as a transceiver does. Each is cancelled after a while. Counted is
from the Cancel's being handed to gRPC to the response's Done, behind which nothing of it can come:
`cancel_to_silence`; and to its last audio, if any came at all: `cancel_to_last_audio`.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from antiphon_proto.audio_block import split_downlink_position, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import (
    Cancel,
    Command,
    Done,
    DoneStatus,
    Error,
    Event,
    Item,
    ItemCreate,
    Open,
    PlaybackCredit,
    Respond,
    Role,
    SessionConfig,
)
from antiphon_proto.trunk.command_codec import command_to_protobuf
from antiphon_proto.trunk.event_codec import event_from_protobuf
from bench.figures import percentile, publish, rounded
from bench.machine import machine
from bench.measured_process import MeasuredProcess

SESSIONS = 16
QUESTION = "what can you do"
"""Its answer takes seven seconds."""
SHORTEST_S, LONGEST_S = 0.4, 1.6
"""That a session speaks before it is cancelled."""
CREDIT_STEP_S = 0.040
PAUSE_S = 0.1
BYTES_A_MS = 48
TIMEOUT_S = 20.0


class AudioAfterDoneError(Exception):
    """A response went on behind its Done."""


@dataclass(slots=True)
class Speech:
    """One response; instants are monotonic seconds."""

    response: int
    first_audio_at: float | None = None
    last_audio_at: float = 0.0
    heard_bytes: int = 0
    done: Done | None = None
    done_at: float = 0.0


@dataclass(slots=True)
class Cancelled:
    silent_s: list[float] = field(default_factory=list)
    last_audio_s: list[float] = field(default_factory=list)


class Session:
    """One of a trunk's: its responses one after the other."""

    def __init__(self, number: int, send: Callable[..., None], cancelled: Cancelled) -> None:
        self._number = number
        self._send = send
        self._cancelled = cancelled
        self._speech = Speech(0)
        self._changed = asyncio.Event()

    def hear(self, event: Event | None, now: float) -> None:
        if isinstance(event, Error):
            raise RuntimeError(f"the replica failed: {event}")
        if isinstance(event, Done) and event.response == self._speech.response:
            self._speech.done, self._speech.done_at = event, now
        self._changed.set()

    def hear_audio(self, response: int, pcm: bytes, now: float) -> None:
        speech = self._speech
        if response != speech.response or speech.done is not None:
            raise AudioAfterDoneError(f"response {response} speaks when it was done")
        speech.first_audio_at = speech.first_audio_at or now
        speech.last_audio_at = now
        speech.heard_bytes += len(pcm)
        self._changed.set()

    async def speak(self, until: float) -> None:
        """Have answers spoken and cancelled."""
        chance = random.Random(self._number)
        self._command(Open(f"call_{self._number}", "cascade", SessionConfig(), ()))
        self._command(ItemCreate(Item("question", Role.USER, QUESTION)))
        while time.monotonic() < until:
            await self._one(chance.uniform(SHORTEST_S, LONGEST_S))
            await asyncio.sleep(chance.uniform(0, PAUSE_S))

    async def _one(self, seconds: float) -> None:
        speech = self._speech = Speech(self._speech.response + 1)
        self._command(Respond(speech.response, f"agent-{speech.response}"))
        await self._until(lambda: speech.first_audio_at)
        played_ms = await self._play(speech, seconds)
        at = time.monotonic()
        self._command(Cancel(speech.response, played_ms))
        await self._until(lambda: speech.done)
        if speech.done is None or speech.done.status is not DoneStatus.CANCELLED:
            raise RuntimeError(f"the answer was over before it was cancelled: {speech.done}")
        self._cancelled.silent_s.append(speech.done_at - at)
        self._cancelled.last_audio_s.append(max(0.0, speech.last_audio_at - at))

    async def _play(self, speech: Speech, seconds: float) -> int:
        """What comes of it, in real time; how many milliseconds were played in the end."""
        began, played_ms = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            await asyncio.sleep(min(CREDIT_STEP_S, seconds - elapsed))
            played_ms = min(
                round(1000 * (time.monotonic() - began)), speech.heard_bytes // BYTES_A_MS
            )
            self._command(PlaybackCredit(speech.response, played_ms))
        return played_ms

    async def _until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _command(self, command: Command) -> None:
        self._send(self._number, command)


async def cancelled(target: str, seconds: float) -> Cancelled:
    found = Cancelled()
    async with grpc.aio.insecure_channel(target) as channel, asyncio.TaskGroup() as tasks:
        trunk = pb_grpc.InferenceStub(channel).Trunk()
        outgoing: asyncio.Queue[pb.Uplink] = asyncio.Queue()

        def send(number: int, command: Command) -> None:
            outgoing.put_nowait(pb.Uplink(commands=[command_to_protobuf(number, 0, command)]))

        async def write() -> None:
            while True:
                await trunk.write(await outgoing.get())

        sessions = {number: Session(number, send, found) for number in range(1, SESSIONS + 1)}
        carrying = [tasks.create_task(write()), tasks.create_task(_read(trunk, sessions))]
        until = time.monotonic() + seconds
        await asyncio.gather(*(session.speak(until) for session in sessions.values()))
        for task in carrying:
            task.cancel()
    return found


async def _read(
    trunk: "grpc.aio.StreamStreamCall[pb.Uplink, pb.Downlink]", sessions: dict[int, Session]
) -> None:
    async for downlink in trunk:
        now = time.monotonic()
        for frame in unpack_frames(downlink.audio):
            response, _ = split_downlink_position(frame.position)
            sessions[frame.session].hear_audio(response, frame.pcm, now)
        for message in downlink.events:
            sessions[message.session].hear(event_from_protobuf(message), now)


def cancel(seconds: float) -> dict[str, float | str]:
    command = [sys.executable, "-m", "inference", "--admin=127.0.0.1:0", "--grpc=127.0.0.1:0"]
    command += ["--log-level=warning", f"--max-sessions={SESSIONS}"]
    with MeasuredProcess("inference-cancel", command, set(range(1024))) as process:
        found = asyncio.run(cancelled(str(process.report()["grpc"]), seconds))
    figures: dict[str, float | str] = {"cancel.count": float(len(found.silent_s))}
    figures["cancel.sessions"] = float(SESSIONS)
    for name, values in (
        ("cancel_to_silence", found.silent_s),
        ("cancel_to_last_audio", found.last_audio_s),
    ):
        figures[f"{name}.p50_seconds"] = rounded(statistics.median(values))
        figures[f"{name}.p99_seconds"] = rounded(percentile(values, 99))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    publish("cancel", machine() | cancel(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
