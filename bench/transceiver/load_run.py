"""One measured load: so many calls of continuous speech both ways, and what they cost."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.measured_process import ProcessFailedError
from bench.transceiver.contender import Contender
from bench.transceiver.generator import FRAME_S, Generator, Pace
from bench.transceiver.load_client import Habits

WARM_UP_SECONDS = 3.0
SETTLE_SECONDS = 0.5

HIGHEST_LOAD = 0.70
"""Of the measured process's core: what is extrapolated from must not be near its limit."""
LOSS_TOLERANCE = 0.002
MISSING_TOLERANCE = 0.01
"""Of echoes that are owed: a buffer that grows by a frame gives one less for once."""
LATE_SECONDS, LATE_TOLERANCE = 0.005, 0.01


@dataclass(frozen=True, slots=True)
class LoadRun:
    """What was seen in the measured time."""

    calls: int
    seconds: float
    cpu_seconds: float
    other_cpu_seconds: Mapping[str, float]
    """Of what works for the measured process, and the generator, by name."""
    received: int
    """Packets of speech that came back to the clients."""
    lost: int
    """Packets missing between those."""
    pace: Pace
    lateness_seconds: list[float]
    """Of each packet that came back; see `Arrivals`."""
    metrics_before: Mapping[str, float]
    metrics_after: Mapping[str, float]

    @property
    def busy(self) -> float:
        """The share of its core that the measured process used."""
        return self.cpu_seconds / self.seconds

    @property
    def calls_per_core(self) -> float:
        """As many as would use a whole core, if each cost what it does at this load."""
        return self.calls / self.busy

    @property
    def expected(self) -> float:
        return self.calls * self.seconds / FRAME_S

    @property
    def fault(self) -> str:
        """Why this run says nothing; empty when it is valid."""
        if self.busy > HIGHEST_LOAD:
            return f"{self.busy:.0%} of its core used, more than {HIGHEST_LOAD:.0%}"
        late = self.pace.share_later_than(LATE_SECONDS)
        if late > LATE_TOLERANCE:
            return f"{late:.1%} of the frames sent more than {LATE_SECONDS * 1000:g} ms late"
        if self.lost > LOSS_TOLERANCE * self.expected:
            return f"{self.lost} of {self.received + self.lost} packets lost on their way back"
        if self.received < (1 - MISSING_TOLERANCE) * self.expected:
            return f"{self.received} of {self.expected:.0f} frames came back"
        return ""

    def counted(self, metric: str) -> float:
        """By how much one of the process's own counts has grown."""
        return self.metrics_after.get(metric, 0.0) - self.metrics_before.get(metric, 0.0)


async def run_load(contender: Contender, habits: Habits, calls: int, seconds: float) -> LoadRun:
    """Place the calls, speak in them for that long after a warm-up, and hang up.

    Raises ProcessFailedError when a call cannot be placed.
    """
    generator = Generator(contender.service, habits)
    try:
        await generator.place(calls)
        generator.start()
        await asyncio.sleep(WARM_UP_SECONDS)
        return await _measure(contender, generator, seconds)
    finally:
        await generator.close()
        await asyncio.sleep(SETTLE_SECONDS)


async def _measure(contender: Contender, generator: Generator, seconds: float) -> LoadRun:
    loop = asyncio.get_running_loop()
    clock, clocks = contender.cpu_clock(), dict(contender.others)
    clocks["generator"] = time.process_time
    before = await asyncio.to_thread(contender.metrics)
    await asyncio.sleep(SETTLE_SECONDS)
    generator.start_recording()
    others, used, start = {name: read() for name, read in clocks.items()}, clock(), loop.time()
    await asyncio.sleep(seconds)
    used, took, pace = clock() - used, loop.time() - start, generator.pace
    others = {name: read() - others[name] for name, read in clocks.items()}
    arrivals = [client.arrivals for client in generator.clients]
    for each in arrivals:
        each.recording = False
    after = await asyncio.to_thread(contender.metrics)
    if not all(len(each) for each in arrivals):
        raise ProcessFailedError("speaks to some clients not at all")
    return LoadRun(
        calls=len(arrivals),
        seconds=took,
        cpu_seconds=used,
        other_cpu_seconds=others,
        received=sum(len(each) for each in arrivals),
        lost=sum(each.lost for each in arrivals),
        pace=pace,
        lateness_seconds=[late for each in arrivals for late in each.lateness_seconds()],
        metrics_before=before,
        metrics_after=after,
    )
