"""`python -m bench.phases`: what it costs to serve calls all together, and one by one.

A worker of `CALLS` calls that only decodes and encodes: each call's client sends a frame of
speech every 20 ms, and each is due one of the agent's, in slots as `MediaClock` spreads them.
Printed for several numbers of slots: the CPU a frame both ways, how late frames are, and how
long a client's frame waits for the slot in which it is read. Docs: docs/decisions/0020.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence

import uvloop

from bench.figures import percentile, publish
from bench.transceiver import speech
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode
from transceiver.kernel_timer import KernelTimer
from transceiver.media_clock import FRAME_S, MediaClock

CALLS, RATE = 64, 24_000
SECONDS = 5.0
SLOTS = (1, 2, 8, 16, 32, 64)


class Call:
    """Hears and says the same speech, from anywhere in it."""

    def __init__(self, packets: Sequence[bytes]) -> None:
        self._packets = packets
        self._next = random.randrange(len(packets))
        self._decoder, self._encoder = OpusDecoder(RATE), OpusEncoder(RATE)
        self._encoder.adapt(OpusMode.CELT, 0.0)
        self.sends_at = random.random() * FRAME_S
        """The client's phase."""

    def serve(self) -> None:
        packet = self._packets[self._next % len(self._packets)]
        self._next += 1
        self._encoder.encode(self._decoder.decode(packet))


class Worker:
    """Serves its calls by the clock until it has done so for `SECONDS`."""

    def __init__(self, calls: Sequence[Call], slots: int) -> None:
        self.lateness: list[float] = []
        self.waits: list[float] = []
        self._clock: MediaClock[Call] = MediaClock(time.monotonic(), slots)
        for call in calls:
            self._clock.add(call, time.monotonic())
        self._done = asyncio.get_running_loop().create_future()
        self._ends_at = time.monotonic() + SECONDS
        self._timer = KernelTimer(self._serve)
        self._polled_at = time.monotonic()
        self._phases = [call.sends_at for call in calls]

    async def run(self) -> None:
        self._timer.set(self._clock.due_at)
        await self._done
        self._timer.close()

    def _serve(self) -> None:
        while self._clock.due_at <= time.monotonic():
            self._read(time.monotonic())
            due, calls = self._clock.take(time.monotonic())
            for call in calls:
                call.serve()
                self.lateness.append(time.monotonic() - due)
        if time.monotonic() < self._ends_at:
            self._timer.set(self._clock.due_at)
        elif not self._done.done():
            self._done.set_result(None)

    def _read(self, now: float) -> None:
        """Note how long those clients' frames have waited that came since the last time."""
        for phase in self._phases:
            ago = (now - phase) % FRAME_S
            if ago < now - self._polled_at:
                self.waits.append(ago)
        self._polled_at = now


async def measured(slots: int) -> tuple[float, list[float], list[float]]:
    packets = speech.packets(speech.CELT)
    worker = Worker([Call(packets) for _ in range(CALLS)], slots)
    used = time.process_time()
    await worker.run()
    return time.process_time() - used, worker.lateness, worker.waits


def main() -> int:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures = {}
    print("slots  us a frame  late p50, p95, p99 ms      read after p50, p95 ms")
    for slots in SLOTS:
        used, late, waits = uvloop.run(measured(slots))
        cost = used / len(late)
        late_ms = [1000 * percentile(late, at) for at in (50, 95, 99)]
        wait_ms = [1000 * percentile(waits, at) for at in (50, 95)]
        print(
            f"{slots:5d}  {1e6 * cost:10.0f}  " + ", ".join(f"{each:6.2f}" for each in late_ms),
            "    " + ", ".join(f"{each:6.2f}" for each in wait_ms),
        )
        figures[f"cpu_per_frame.slots{slots}_seconds"] = cost
        figures[f"lateness.slots{slots}.p95_seconds"] = late_ms[1] / 1000
    publish("phases", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
