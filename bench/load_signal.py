"""`python -m bench.load_signal`: which signal tells how loaded an event loop is.

One event loop, kept to one core, runs a job every 2 ms that takes a given share of the time,
alone and beside a process that never sleeps. The candidates: the share of the core that the
thread used, that share with its waiting for the core added, `LoadMeter`'s load, and how late
the loop was.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.figures import percentile
from bench.tables import as_text
from transceiver.load_meter import SAMPLE_S, LoadMeter
from transceiver.thread_clock import ThreadClock

PERIOD_S = 0.002
SECONDS = 8.0
SHARES = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8)


def main() -> None:
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    rows = [["job", "beside", "used", "used + waited", "load", "lateness p50", "p99"]]
    for rivals in (0, 1):
        with spinning(rivals):
            rows += [asyncio.run(measure(share, rivals)) for share in SHARES]
    print(as_text(rows))


@contextlib.contextmanager
def spinning(count: int) -> Iterator[None]:
    """So many processes that want this core all of the time."""
    command = [sys.executable, "-S", "-c", "while True: pass"]
    rivals = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()


async def measure(share: float, rivals: int) -> list[str]:
    """A row of the table."""
    loop, clock = asyncio.get_running_loop(), ThreadClock()
    start, before = loop.time(), clock.read()
    meter, sampled_at = LoadMeter(start, before), start
    late, due = [], start
    while (now := loop.time()) < start + SECONDS:
        late.append(now - due)
        spin(share * PERIOD_S)
        if now >= sampled_at + SAMPLE_S:
            meter.sample(now, clock.read(), 1)
            sampled_at = now
        due = max(due + PERIOD_S, now)
        await asyncio.sleep(max(0.0, due - loop.time()))
    after, elapsed = clock.read(), loop.time() - start
    clock.close()
    used = (after.ran_s - before.ran_s) / elapsed
    waited = (after.waited_s - before.waited_s) / elapsed
    return [
        f"{share:.0%}",
        f"{rivals} process" if rivals else "nothing",
        *(f"{each:.0%}" for each in (used, used + waited, meter.load)),
        *(f"{1000 * percentile(late, percent):.2f} ms" for percent in (50, 99)),
    ]


def spin(seconds: float) -> None:
    """Use so much of the processor's time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


if __name__ == "__main__":
    main()
