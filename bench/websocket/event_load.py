"""So many sessions at once, each speaking at a phase of its own, and what was seen of them."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measured_process import ProcessFailedError
from bench.transceiver.contender import Contender
from bench.transceiver.frame_notes import read_notes
from bench.transceiver.generator import Pace
from bench.websocket.event_client import EventClient, speech_frames
from bench.websocket.stamping_inference import FRAME_MS

FRAME_S = FRAME_MS / 1000
FRAMES_BETWEEN_QUESTIONS = 10
CONNECTING_AT_ONCE = 8
WARM_UP_SECONDS = 3.0
NOTES_SECONDS = 20.0

LATE_SECONDS, LATE_TOLERANCE = 0.005, 0.01
MISSING_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class LoadRun:
    """What was seen in the measured time; distances in seconds."""

    sessions: int
    seconds: float
    cpu_seconds: float
    """Of the worker."""
    other_cpu_seconds: Mapping[str, float]
    bytes_per_session: float
    pace: Pace
    asked: list[float]
    """From a client's `conversation.item.retrieve` to `conversation.item.retrieved`."""
    heard: list[float]
    """From the engine's making of a frame to its `response.output_audio.delta` at the client."""
    spoken: list[float]
    """From a client's `input_audio_buffer.append` to the engine."""

    @property
    def busy(self) -> float:
        """The share of its core that the worker used."""
        return self.cpu_seconds / self.seconds

    @property
    def fault(self) -> str:
        """Why this run says nothing; empty when it is valid."""
        late = self.pace.share_later_than(LATE_SECONDS)
        if late > LATE_TOLERANCE:
            return f"{late:.1%} of the frames sent more than {LATE_SECONDS * 1000:g} ms late"
        owed = self.sessions * self.seconds / FRAME_S
        for name, frames in (("heard", self.heard), ("spoken", self.spoken)):
            if len(frames) < (1 - MISSING_TOLERANCE) * owed:
                return f"{len(frames)} of {owed:.0f} frames {name}"
        return ""


async def run_load(contender: Contender, notes: Path, sessions: int, seconds: float) -> LoadRun:
    """Raises ProcessFailedError when a session cannot be opened, or ends."""
    speech = speech_frames()
    empty = contender.resident_bytes()
    clients = [EventClient(f"session {number}", speech) for number in range(sessions)]
    await _open(clients, contender)
    speaking = asyncio.create_task(_speak(clients, pace := Pace()))
    try:
        await asyncio.sleep(WARM_UP_SECONDS)
        return await _measure(contender, clients, pace, notes, seconds, empty)
    finally:
        speaking.cancel()


async def _open(clients: list[EventClient], contender: Contender) -> None:
    at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one(client: EventClient) -> None:
        async with at_once:
            await client.open(contender.service)

    await asyncio.gather(*map(open_one, clients))


async def _measure(
    contender: Contender,
    clients: list[EventClient],
    pace: Pace,
    notes: Path,
    seconds: float,
    empty: int,
) -> LoadRun:
    clock, clocks = contender.cpu_clock(), dict(contender.others)
    clocks["generator"] = time.process_time
    pace.late_seconds.clear()
    for client in clients:
        client.start_recording()
    first = [len(client.spoken_at) for client in clients]
    others, used, start = {name: read() for name, read in clocks.items()}, clock(), time.monotonic()
    await asyncio.sleep(seconds)
    used, took = clock() - used, time.monotonic() - start
    others = {name: read() - others[name] for name, read in clocks.items()}
    last = [len(client.spoken_at) for client in clients]
    asked = [each for client in clients for each in client.asked_seconds]
    heard = [each for client in clients for each in client.heard_seconds]
    measured_pace = Pace(list(pace.late_seconds))
    resident = contender.resident_bytes()
    if fault := next((client.fault for client in clients if client.fault), ""):
        raise ProcessFailedError(f"lost a session: {fault}")
    await asyncio.sleep(0.5)
    for client in clients:
        client.close()
    return LoadRun(
        sessions=len(clients),
        seconds=took,
        cpu_seconds=used,
        other_cpu_seconds=others,
        bytes_per_session=(resident - empty) / len(clients),
        pace=measured_pace,
        asked=asked,
        heard=heard,
        spoken=await _spoken(clients, notes, list(zip(first, last, strict=True))),
    )


async def _spoken(
    clients: list[EventClient], notes: Path, measured: list[tuple[int, int]]
) -> list[float]:
    """By the engine's notes, which it writes as the sessions end."""
    deadline = time.monotonic() + NOTES_SECONDS
    while len(noted := read_notes(notes)) < len(clients):
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"took notes of {len(noted)} of {len(clients)} sessions")
        await asyncio.sleep(0.1)
    found: list[float] = []
    for client, (first, last) in zip(clients, measured, strict=True):
        came = {round(media / FRAME_S): at for media, at in noted[client.name]}
        spoken = client.spoken_at
        found += [came[frame] - spoken[frame] for frame in range(first, last) if frame in came]
    return found


async def _speak(clients: list[EventClient], pace: Pace) -> None:
    """A frame of each every FRAME_MS, in the order of their phases, and a question a second."""
    chance = random.Random(1)
    schedule = sorted(((chance.random() * FRAME_S, client) for client in clients), key=_phase)
    number, round_at = 0, time.monotonic()
    while True:
        for index, (phase, client) in enumerate(schedule):
            due = round_at + phase
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            pace.late_seconds.append(time.monotonic() - due)
            client.speak()
            if (number + index) % FRAMES_BETWEEN_QUESTIONS == 0:
                client.ask()
        number += 1
        round_at += FRAME_S


def _phase(scheduled: tuple[float, EventClient]) -> float:
    return scheduled[0]
