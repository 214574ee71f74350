"""A run for people: shown while it goes on, ended by Ctrl-C, and reported on whatever comes."""

import asyncio
import signal
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from loadtest import result_file
from loadtest.progress import Display, progress_display
from loadtest.report.html_report import render
from loadtest.report.terminal import show
from loadtest.result import RunResult

Carried = Callable[[Display, asyncio.Event], Awaitable[RunResult]]
"""Carries a run out: shows how it goes, and ends it when the event is set."""


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Of one run, in one directory."""

    directory: Path
    name: str

    @property
    def json(self) -> Path:
        return self.directory / f"{self.name}.json"

    @property
    def html(self) -> Path:
        return self.directory / f"{self.name}.html"

    def prepare(self) -> None:
        """Before a run, which would be for nothing if this failed after it. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.directory):
            pass

    def write(self, result: RunResult) -> None:
        """Raises OSError."""
        result_file.write(self.json, result)
        self.html.write_text(render([result]))


def carry_out(carried: Carried) -> RunResult:
    """The first Ctrl-C hangs all calls up, and what was measured is the result; a second one
    does not wait for that, and raises KeyboardInterrupt."""
    try:
        return asyncio.run(_shown(carried))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _shown(carried: Carried) -> RunResult:
    stop = asyncio.Event()
    running = asyncio.current_task()
    loop = asyncio.get_running_loop()
    with progress_display() as display:

        def interrupted() -> None:
            if stop.is_set() and running is not None:
                running.cancel()
                return
            display.line("Hanging up; press Ctrl-C again to leave everything as it is")
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        return await carried(display, stop)


def report(result: RunResult, files: ReportFiles) -> int:
    """Write it down, show its verdict, and return the exit code.

    That is 0 where every service level held, and 1 otherwise. Raises OSError.
    """
    files.write(result)
    show(result)
    print(f"{files.html}\n{files.json}")
    return int(not all(level.held for level in result.levels))
