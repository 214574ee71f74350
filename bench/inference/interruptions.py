"""`python -m bench.inference.interruptions`: who gets the floor while the agent speaks.

A synthesised caller makes noises and says things over a long answer, in real time, over a
trunk to an inference process, and plays the answer as a transceiver does: it is silent from
the moment that speech begins. Counted are, by what the caller meant:

- noises of a listener after which the answer goes on;
- questions and commands that take the floor, and how long after their first audible sample.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from antiphon_proto.trunk import (
    Cancel,
    ClearInput,
    Done,
    Event,
    FloorTaken,
    Item,
    ItemCreate,
    PlaybackCredit,
    Respond,
    Role,
    SessionConfig,
    SpeechDismissed,
    SpeechStarted,
    TurnDetection,
    TurnEnded,
)
from bench.figures import percentile, publish
from bench.inference.trunk_caller import RATE, TrunkCaller, trunk_caller
from bench.inference.turn_latency import AUDIBLE
from bench.machine import machine
from bench.measured_process import MeasuredProcess
from tests.inference.user_voice import UserVoice

VOICES = (("en-us+m1", 165), ("en-us+f5", 150))
"""Not those with which the trial's limits were chosen."""
BACKCHANNELS = ("um hum", "uh-huh", "yeah", "okay", "right", "hmm")
"""The first is how espeak-ng has to be told to say "mm-hm"."""
INTERRUPTIONS = (
    "stop",
    "no",
    "wait",
    "stop please",
    "what time is it",
    "cancel the timer",
    "can you repeat that",
    "what is five plus six",
)
COUGHS_MS = (150, 250, 350, 450)
FORMANTS_HZ = ((500, 250, 1.0), (1400, 350, 0.8), (2700, 600, 0.6))
"""Of an open mouth, with their widths and gains."""
GLOTTIS_HZ = 110

QUESTION = "what can you do"
"""Its answer takes seven seconds."""
SPEAKS_FOR_MS = 800
CREDIT_STEP_MS = 40
LISTENS_S = 1.2
"""For the verdict, behind the sound."""

Samples = NDArray[np.float64]


class Verdict(Enum):
    UNNOTICED = "unnoticed"
    DISMISSED = "dismissed"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Sound:
    name: str
    pcm: bytes
    interrupts: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    sound: Sound
    verdict: Verdict
    after_s: float
    """From the sound's first audible sample to the verdict."""


class Interrupter(TrunkCaller):
    """Plays one answer after the other, and notes what becomes of what it says over them."""

    response = played_ms = 0
    held = done = False
    verdict: tuple[Verdict, float] | None = None

    def hear(self, event: Event | None, now: float) -> None:
        match event:
            case SpeechStarted():
                self.held = True
            case SpeechDismissed():
                self.held = False
                self.verdict = Verdict.DISMISSED, now
            case FloorTaken() | TurnEnded():
                self.verdict = self.verdict or (Verdict.TAKEN, now)
            case Done():
                self.done = True
            case _:
                super().hear(event, now)

    def hear_audio(self, response: int, now: float) -> None:
        """What is played is counted by the clock alone."""

    async def play(self) -> None:
        while not self.done:
            await asyncio.sleep(CREDIT_STEP_MS / 1000)
            if not self.held:
                self.played_ms += CREDIT_STEP_MS
                self.command(PlaybackCredit(self.response, self.played_ms))

    async def trial(self, sound: Sound) -> Outcome:
        """Have an answer begun, make the sound, and wait for what comes of it."""
        self.response += 1
        self.held = self.done = False
        self.verdict, self.played_ms = None, 0
        item = Item(f"user-{self.response}", Role.USER, QUESTION)
        self.command(ItemCreate(item), Respond(self.response, f"agent-{self.response}"))
        playing = asyncio.create_task(self.play())
        while self.played_ms < SPEAKS_FOR_MS:
            await asyncio.sleep(CREDIT_STEP_MS / 1000)
        began = await self.speak(sound.pcm) + audible_start_s(sound.pcm)
        verdict, at = self.verdict or (Verdict.UNNOTICED, time.monotonic())
        self.command(Cancel(self.response, self.played_ms), ClearInput())
        await self.until(lambda: self.done)
        await playing
        return Outcome(sound, verdict, at - began)


def audible_start_s(pcm: bytes) -> float:
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > AUDIBLE)
    return float(loud[0]) / RATE


def sounds(user: UserVoice) -> Iterator[Sound]:
    after_ms = round(LISTENS_S * 1000)
    for text, interrupts in [
        *((text, False) for text in BACKCHANNELS),
        *((text, True) for text in INTERRUPTIONS),
    ]:
        for voice, words_per_minute in VOICES:
            pcm = user.say(
                text, voice, words_per_minute=words_per_minute, before_ms=100, after_ms=after_ms
            )
            yield Sound(f"{text} ({voice})", pcm, interrupts)
    chance = np.random.default_rng(0)
    for milliseconds in COUGHS_MS:
        for voiced in (False, True):
            name = f"{'voiced ' if voiced else ''}cough of {milliseconds} ms"
            pcm = user.silence(100) + cough(milliseconds, voiced, chance) + user.silence(after_ms)
            yield Sound(name, pcm, interrupts=False)


def cough(milliseconds: int, voiced: bool, chance: np.random.Generator) -> bytes:
    """A burst of noise through an open mouth, with some of the glottis in it if `voiced`."""
    count = milliseconds * RATE // 1000
    time_s = np.arange(count) / RATE
    source = chance.standard_normal(count)
    if voiced:
        source = 0.3 * source + 8.0 * (np.arange(count) % (RATE // GLOTTIS_HZ) < 4)
    spectrum = np.fft.rfft(source)
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    mouth = sum(gain / (1 + ((hertz - at) / width) ** 2) for at, width, gain in FORMANTS_HZ)
    shaped: Samples = np.fft.irfft(spectrum * mouth, count)
    shaped *= np.minimum(1, time_s / 0.01) * np.exp(-3 * time_s / time_s[-1])
    return bytes((shaped / np.abs(shaped).max() * 16_000).astype("<i2").tobytes())


async def outcomes(target: str, user: UserVoice, step: int) -> list[Outcome]:
    config = SessionConfig(turn_detection=TurnDetection())
    async with trunk_caller(target, config, Interrupter) as caller:
        return [await caller.trial(sound) for sound in [*sounds(user)][::step]]


def figures_of(found: Sequence[Outcome]) -> dict[str, float | str]:
    noises = [outcome for outcome in found if not outcome.sound.interrupts]
    meant = [outcome for outcome in found if outcome.sound.interrupts]
    resumed = [outcome for outcome in noises if outcome.verdict is not Verdict.TAKEN]
    unnoticed = [outcome for outcome in noises if outcome.verdict is Verdict.UNNOTICED]
    took = [outcome for outcome in meant if outcome.verdict is Verdict.TAKEN]
    figures: dict[str, float | str] = {
        "interruptions.false.count": len(noises),
        "interruptions.false.resumed.ratio": round(len(resumed) / len(noises), 3),
        "interruptions.false.unnoticed.ratio": round(len(unnoticed) / len(noises), 3),
        "interruptions.real.count": len(meant),
        "interruptions.real.took_floor.ratio": round(len(took) / len(meant), 3),
    }
    if took:
        after = [outcome.after_s for outcome in took]
        figures["interruptions.real.floor_taken.p50_seconds"] = round(statistics.median(after), 3)
        figures["interruptions.real.floor_taken.p95_seconds"] = round(percentile(after, 95), 3)
    return figures


def interruptions(*, step: int = 1, verbose: bool = False) -> dict[str, float | str]:
    """Of every `step`th sound. Raises CallError and TimeoutError when the engine fails."""
    command = [sys.executable, "-m", "inference", "--admin=127.0.0.1:0", "--log-level=warning"]
    command.append("--asr-vocabulary=domain")
    with MeasuredProcess("inference-interruptions", command, set(range(1024))) as process:
        found = asyncio.run(outcomes(str(process.report()["grpc"]), UserVoice(), step))
    for outcome in found if verbose else ():
        print(f"{outcome.sound.name:40}{outcome.verdict.value:12}{outcome.after_s:8.3f} s")
    return figures_of(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="print every sound's outcome")
    parser.add_argument("--step", type=int, default=1, help="leave out all but each STEPth sound")
    arguments = parser.parse_args()
    figures = interruptions(step=arguments.step, verbose=arguments.verbose)
    publish("interruptions", machine() | figures)


if __name__ == "__main__":
    main()
