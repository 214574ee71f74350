"""A load whose engine notes when each frame comes, with one packet of each call lost."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measured_process import ProcessFailedError
from bench.transceiver.contender import Contender
from bench.transceiver.engine_delays import LossDelay, frame_delays, loss_delay
from bench.transceiver.frame_notes import read_notes
from bench.transceiver.generator import Generator
from bench.transceiver.load_client import Habits
from bench.transceiver.load_run import WARM_UP_SECONDS

AFTER_LOSS_SECONDS = 5.0
BETWEEN_LOSSES_SECONDS = 0.02
NOTES_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class NotedRun:
    """Of all calls: the delays of the undisturbed time, and what one lost packet did to each."""

    delays: list[float]
    losses: list[LossDelay]


async def run_noted(
    contender: Contender, habits: Habits, notes: Path, calls: int, seconds: float
) -> NotedRun:
    """Speak for that long after a warm-up, then lose one frame of each call, and hang up.

    `notes` is the file that the contender's engine writes. Raises ProcessFailedError.
    """
    generator = Generator(contender.service, habits)
    clients = generator.clients
    try:
        await generator.place(calls)
        generator.start()
        await asyncio.sleep(WARM_UP_SECONDS)
        first = {client.name: client.sent for client in clients}
        await asyncio.sleep(seconds)
        for client in clients:
            client.drop_next()
            await asyncio.sleep(BETWEEN_LOSSES_SECONDS)
        await asyncio.sleep(AFTER_LOSS_SECONDS)
    finally:
        await generator.close()
    noted = await _all_notes(notes, calls)
    delays: list[float] = []
    losses: list[LossDelay | None] = []
    for client in clients:
        reached = frame_delays(client.spoken_at, noted[client.name or ""])
        lost = client.left_out[0]
        delays += [reached[frame] for frame in range(first[client.name], lost) if frame in reached]
        losses.append(loss_delay(reached, lost))
    if not delays:
        raise ProcessFailedError("brought its engine nothing in time")
    return NotedRun(delays, [each for each in losses if each is not None])


async def _all_notes(path: Path, calls: int) -> dict[str, list[tuple[float, float]]]:
    """Of each call; they are written when it ends."""
    deadline = time.monotonic() + NOTES_SECONDS
    while len(noted := read_notes(path)) < calls:
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"took notes of {len(noted)} of {calls} calls")
        await asyncio.sleep(0.1)
    return noted
