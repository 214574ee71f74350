"""`python -m bench.inference.vad_cost`: what voice activity costs a session, alone and in company.

Sessions send a frame of 20 ms every 20 ms, all in one message, as a trunk brings them; where their
windows of 32 ms begin differs. Counted is the CPU of the thread that takes the frames and judges
what windows they complete, through the engine's own batch, per window and session. `unpaced` does
not wait between frames: there a session alone has warm caches too.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from bench.figures import publish, rounded
from bench.machine import machine
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.vad import (
    SAMPLE_RATE,
    WINDOW_SAMPLES,
    SileroModel,
    VoiceBatch,
    VoiceStream,
)

FRAME_S = 0.020
FRAME_SAMPLES = round(FRAME_S * SAMPLE_RATE)
SESSIONS = (1, 8, 64)
LOUDNESS = 3000
WARM_UP_FRAMES = 25


class Sessions:
    """Streams that share one batch, in one thread."""

    def __init__(self, model: SileroModel, count: int) -> None:
        self.counters = CascadeCounters()
        self._due: deque[Callable[[], None]] = deque()
        self._batch = VoiceBatch(model, self.counters, self._due.append)
        self._streams = [VoiceStream(lambda *window: None, _fail) for _ in range(count)]
        self._position = 0
        random = np.random.default_rng(0)
        sound = random.normal(0, LOUDNESS, (count, FRAME_SAMPLES))
        self._frames = [frame.astype("<i2").tobytes() for frame in sound]
        for stream in self._streams:
            stream.push(0, bytes(2 * int(random.integers(WINDOW_SAMPLES))))

    def hear_frame(self) -> None:
        """20 ms of every session."""
        for stream, frame in zip(self._streams, self._frames, strict=True):
            self._batch.push(stream, self._position, frame)
        self._position += FRAME_SAMPLES
        while self._due:
            self._due.popleft()()


def cpu_a_window(
    model: SileroModel, count: int, seconds: float, *, paced: bool
) -> tuple[float, float]:
    """CPU seconds for one window of one session, and windows in a run of the model."""
    sessions = Sessions(model, count)
    for _ in range(WARM_UP_FRAMES):
        sessions.hear_frame()
    windows, runs = sessions.counters.vad_windows, sessions.counters.vad_batches
    cpu, began = 0.0, time.monotonic()
    for number in range(round(seconds / FRAME_S)):
        if paced:
            time.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
        started = time.thread_time()
        sessions.hear_frame()
        cpu += time.thread_time() - started
    windows = sessions.counters.vad_windows - windows
    return cpu / windows, windows / (sessions.counters.vad_batches - runs)


def vad_cost(seconds: float) -> dict[str, float | str]:
    return _costs("vad", seconds, paced=True) | _costs("vad.unpaced", seconds, paced=False)


def _costs(name: str, seconds: float, *, paced: bool) -> dict[str, float | str]:
    model = SileroModel()
    figures: dict[str, float | str] = {}
    costs = {}
    for count in SESSIONS:
        costs[count], batch = cpu_a_window(model, count, seconds, paced=paced)
        figures[f"{name}.sessions_{count}.cpu_seconds_a_window"] = rounded(costs[count])
        figures[f"{name}.sessions_{count}.windows_a_run"] = rounded(batch)
        if count > 1:
            figures[f"{name}.cpu_ratio_{count}"] = rounded(costs[count] / costs[1])
    return figures


def _fail() -> None:
    raise RuntimeError("the voice activity model failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="for each number of sessions")
    publish("vad_cost", machine() | vad_cost(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
