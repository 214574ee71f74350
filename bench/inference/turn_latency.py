"""`python -m bench.inference.turn_latency`: from the end of the user's speech to the answer.

A synthesised caller asks the questions of the embedded domain, in real time, over a trunk
to an inference process. Counted is from the last audible sample of the source to the first
audio of the answer at the caller's end of the trunk. The brains: the rules, where 200 ms of
silence end a turn; a chat server that takes 300 ms to its first token, with preemptive
generation and without, where 500 ms do, as by default, and where 200 ms do.
"""

import argparse
import asyncio
import random
import statistics
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from antiphon_proto.trunk import (
    DEFAULT_SILENCE_DURATION_MS,
    SessionConfig,
    Stage,
    TurnDetection,
)
from bench.figures import percentile, publish
from bench.inference.trunk_caller import RATE, TrunkCaller, trunk_caller
from bench.machine import machine
from bench.measured_process import MeasuredProcess
from tests.inference.user_voice import UserVoice

SHORT_SILENCE_MS = 200
FIRST_TOKEN_MS = 300
AUDIBLE = 200
"""Amplitude, of 16 bits, that is speech and not what a voice fades out in: -44 dB."""
VOICES = (("en-us", 165), ("en", 150))
QUESTIONS = (
    "what time is it",
    "what is twelve plus thirty",
    "set a timer for five minutes",
    "how much is seven times eight",
    "spell garden",
    "what is the date today",
    "repeat after me hello world",
    "what can you do",
    "how do you spell elephant",
    "what is ninety minus fifteen",
)


@dataclass(frozen=True, slots=True)
class Turn:
    latency_s: float
    stages_s: Mapping[Stage, float]
    """From the arrival of what the voice detector took for the end of speech."""


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    flags: tuple[str, ...] = ()
    thinks: bool = False
    """Whether a chat server answers, and not the rules."""
    silence_ms: int = DEFAULT_SILENCE_DURATION_MS
    """That ends a turn."""


PLAIN = ("--preempt-after-ms=0",)
CONTENDERS = (
    Contender("rules", silence_ms=SHORT_SILENCE_MS),
    Contender("llm300.preemptive", thinks=True),
    Contender("llm300.plain", PLAIN, thinks=True),
    Contender("llm300_silence200.preemptive", thinks=True, silence_ms=SHORT_SILENCE_MS),
    Contender("llm300_silence200.plain", PLAIN, thinks=True, silence_ms=SHORT_SILENCE_MS),
)


def audible_end_s(pcm: bytes) -> float:
    """Where the last audible sample of the source ends."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > AUDIBLE)
    return float(loud[-1] + 1) / RATE


async def measured_turns(target: str, silence_ms: int, count: int, user: UserVoice) -> list[Turn]:
    config = SessionConfig(turn_detection=TurnDetection(silence_duration_ms=silence_ms))
    chance = random.Random(0)
    turns = []
    async with trunk_caller(target, config, TrunkCaller) as caller:
        for number in range(count):
            voice, words_per_minute = VOICES[number % len(VOICES)]
            question = QUESTIONS[number // len(VOICES) % len(QUESTIONS)]
            pcm = user.say(
                question,
                voice,
                words_per_minute=words_per_minute,
                before_ms=400 + chance.randrange(100),
                after_ms=1500,
            )
            turns.append(await one_turn(caller, pcm))
    return turns


async def one_turn(caller: TrunkCaller, pcm: bytes) -> Turn:
    before = len(caller.answers)
    began = await caller.speak(pcm)
    await caller.until(lambda: len(caller.answers) > before and caller.answers[-1].done)
    answer = caller.answers[before]
    assert answer.done is not None
    assert answer.first_audio_at is not None, answer.done
    return Turn(
        answer.first_audio_at - began - audible_end_s(pcm),
        {time.stage: time.after_voiced_end_us / 1e6 for time in answer.done.stages},
    )


def speculation(admin: str) -> dict[str, float]:
    """The process's counts of answers that it began early."""
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    prefix = "antiphon_inference_cascade_speculation_"
    counts = dict(line.removeprefix(prefix).split() for line in lines if line.startswith(prefix))
    return {
        name.replace("_total", ""): float(value)
        for name, value in counts.items()
        if not name.split("{")[0].endswith("_created")
    }


def summary(name: str, turns: Sequence[Turn]) -> dict[str, float | str]:
    prefix = f"turn_latency.{name}"
    latencies = [turn.latency_s for turn in turns]
    figures: dict[str, float | str] = {
        f"{prefix}.p50_seconds": round(statistics.median(latencies), 4),
        f"{prefix}.p95_seconds": round(percentile(latencies, 95), 4),
        f"{prefix}.turns": len(turns),
    }
    for percent in range(5, 100, 5):
        figures.setdefault(
            f"{prefix}.p{percent:02}_seconds", round(percentile(latencies, percent), 4)
        )
    for stage in Stage:
        reached = [turn.stages_s[stage] for turn in turns if stage in turn.stages_s]
        if reached:
            figures[f"{prefix}.{stage.value}.p50_seconds"] = round(statistics.median(reached), 4)
    return figures


def measure(contender: Contender, chat_url: str, turns: int) -> dict[str, float | str]:
    command = [sys.executable, "-m", "inference", "--admin=127.0.0.1:0", "--log-level=warning"]
    command += ["--asr-vocabulary=domain", *contender.flags]
    if contender.thinks:
        command += [f"--llm-url={chat_url}", "--llm-model=slow"]
    with MeasuredProcess("inference-turns", command, set(range(1024))) as process:
        report = process.report()
        measured = asyncio.run(
            measured_turns(str(report["grpc"]), contender.silence_ms, turns, UserVoice())
        )
        counts = speculation(str(report["admin"]))
    figures = summary(contender.name, measured)
    for name, count in counts.items():
        if name in ("started", "hits", "wasted_tokens", "wasted_audio_seconds"):
            figures[f"speculation.{contender.name}.{name}"] = count
    return figures


def turn_latency(turns: int, only: Sequence[str] = ("",)) -> dict[str, float | str]:
    """The figures of all contenders, or of those whose name begins with one of `only`."""
    figures: dict[str, float | str] = {}
    command = [
        sys.executable,
        "-m",
        "bench.inference.slow_chat",
        f"--first-token-ms={FIRST_TOKEN_MS}",
    ]
    with MeasuredProcess("inference-chat", command, set(range(1024))) as chat:
        url = str(chat.report()["url"])
        for contender in CONTENDERS:
            if contender.name.startswith(tuple(only)):
                figures |= measure(contender, url, turns)
    return figures | saved("llm300", figures) | saved("llm300_silence200", figures)


def saved(brain: str, figures: Mapping[str, float | str]) -> dict[str, float]:
    """The share of the median that preemptive generation takes off."""
    preemptive, plain = (
        figures.get(f"turn_latency.{brain}.{kind}.p50_seconds") for kind in ("preemptive", "plain")
    )
    if not isinstance(preemptive, float) or not isinstance(plain, float):
        return {}
    return {f"turn_latency.{brain}.saved.ratio": round(1 - preemptive / plain, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40, help="of each contender")
    parser.add_argument("--only", nargs="+", default=[""], help="contenders whose name begins so")
    arguments = parser.parse_args()
    publish("turn_latency", machine() | turn_latency(arguments.turns, arguments.only))


if __name__ == "__main__":
    main()
