"""`python -m bench.native_cpu`: the native engine with a tiny model on a CPU, paced in real time.

16 conversations, each frame of 80 ms at a phase of its own, through the engine and its
model process. Tells what steps take, whether each session's steps come in time (within
160 ms of the frame: speech is given with 80 ms to spare), and how evenly the sessions are
served; and how much later the event loop runs beside the model's process, and beside the
same model in a thread.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bench.random_moshi import write_tiny

# isort: split
import numpy as np
import torch

from antiphon_proto.trunk import SessionConfig, TurnDetection
from bench.figures import percentile, publish, rounded
from bench.machine import machine
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.native.engine import NativeEngine, NativeOptions
from inference.engines.native.model_messages import AgentStep, BatchReport
from inference.engines.native.moshi_batch import MoshiBatch, load_parts
from inference.engines.native.step import STEP_S, STEP_SAMPLES, StepPlan

SESSIONS = 16
SECONDS, WARM_UP_S = 15.0, 3.0
ON_TIME_S = 2 * STEP_S
LOOP_TICK_S = 0.002
THREAD_SECONDS = 5.0

CONFIG = SessionConfig(turn_detection=TurnDetection())


class Listener:
    """One session, and when its steps came."""

    def __init__(self, engine: NativeEngine, number: int) -> None:
        self.latencies: list[float] = []
        self._heard_at: deque[float] = deque()
        self._voice = np.random.default_rng(number).integers(-3000, 3000, STEP_SAMPLES)
        self._position = 0
        self._session = engine.open(CONFIG, (), lambda output: None)
        self._live = self._session.step
        self._session.step = self._step  # type: ignore[method-assign]

    async def speak(self, phase: float, until: float) -> None:
        """A frame every 80 ms."""
        clock = asyncio.get_running_loop().time
        due = clock() + phase
        while due < until:
            await asyncio.sleep(max(0.0, due - clock()))
            self._heard_at.append(due)
            self._session.push_audio(self._position, self._voice.astype("<i2").tobytes())
            self._position += STEP_SAMPLES
            due += STEP_S

    def close(self) -> None:
        self._session.close("bench")

    def _step(self, step: AgentStep) -> None:
        if self._heard_at:
            self.latencies.append(asyncio.get_running_loop().time() - self._heard_at.popleft())
        self._live(step)


async def loop_lateness(until: float) -> list[float]:
    """How much later than asked for the event loop runs, in seconds."""
    clock = asyncio.get_running_loop().time
    late = []
    while clock() < until:
        began = clock()
        await asyncio.sleep(LOOP_TICK_S)
        late.append(clock() - began - LOOP_TICK_S)
    return late


async def converse(model: Path, seconds: float) -> dict[str, float]:
    reports: list[BatchReport] = []
    options = NativeOptions(
        model=str(model), slots=SESSIONS, device="cpu", threads=1, step_budget_s=1.0
    )
    engine = NativeEngine(options, CascadeCounters(), reports.append)
    await engine.start()
    sessions = min(SESSIONS, engine.counters.slots)
    listeners = [Listener(engine, number) for number in range(sessions)]
    clock = asyncio.get_running_loop().time
    until = clock() + WARM_UP_S + seconds
    phases = np.random.default_rng(0).uniform(0, STEP_S, sessions)
    speaking = [
        asyncio.create_task(listener.speak(phase, until))
        for listener, phase in zip(listeners, phases, strict=True)
    ]
    await asyncio.sleep(WARM_UP_S)
    reports.clear()
    for listener in listeners:
        listener.latencies.clear()
    late = await loop_lateness(until)
    await asyncio.gather(*speaking)
    for listener in listeners:
        listener.close()
    await engine.close()
    return {
        "sessions": float(sessions),
        **_step_figures([report.seconds for report in reports]),
        "slots_a_step.mean": rounded(float(np.mean([report.slots for report in reports]))),
        **_service_figures([listener.latencies for listener in listeners]),
        "shed_frames": float(sum(engine.counters.shed.values())),
        "stalled_steps": float(engine.counters.stalled),
        "loop_lateness.process.p99_seconds": rounded(percentile(late, 99)),
    }


def _step_figures(seconds: list[float]) -> dict[str, float]:
    return {
        "step.p50_seconds": rounded(percentile(seconds, 50)),
        "step.p99_seconds": rounded(percentile(seconds, 99)),
    }


def _service_figures(latencies: list[list[float]]) -> dict[str, float]:
    """`latencies`: of each session's steps."""
    every = [seconds for session in latencies for seconds in session]
    medians = [percentile(session, 50) for session in latencies]
    served = [len(session) for session in latencies]
    return {
        "latency.p50_seconds": rounded(percentile(every, 50)),
        "latency.p99_seconds": rounded(percentile(every, 99)),
        "on_time.ratio": rounded(sum(seconds <= ON_TIME_S for seconds in every) / len(every)),
        "fairness.steps_max_to_min": rounded(max(served) / min(served)),
        "fairness.median_latency_max_to_min": rounded(max(medians) / min(medians)),
    }


async def lateness_beside_a_thread(model: Path) -> float:
    """The same batch, stepping back to back as it does under load, in a thread of this process."""
    parts = load_parts(str(model), "cpu")
    over = threading.Event()
    with closing(MoshiBatch(parts, SESSIONS + 1)) as batch:
        silence = np.zeros(STEP_SAMPLES, np.float32)

        def step_on() -> None:
            while not over.is_set():
                batch.run(StepPlan(dict.fromkeys(range(SESSIONS), silence), {}))

        thread = threading.Thread(target=step_on)
        thread.start()
        late = await loop_lateness(asyncio.get_running_loop().time() + THREAD_SECONDS)
        over.set()
        thread.join()
    return rounded(percentile(late, 99))


def measure(seconds: float) -> Mapping[str, float]:
    """The figures of `native.`, without the prefix."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        model = write_tiny(Path(directory) / "tiny")
        figures = asyncio.run(converse(model, seconds))
        beside = asyncio.run(lateness_beside_a_thread(model))
    return {**figures, "loop_lateness.thread.p99_seconds": beside}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    measured = measure(parser.parse_args().seconds)
    publish("native_cpu", {**machine(), **{f"native.{k}": v for k, v in measured.items()}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
