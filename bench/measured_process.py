"""A process that is measured: its tree, and what that uses of the machine."""

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from bench.figures import OUT
from chassis.readiness import ReadyReport, parse_ready

READY_SECONDS = 300.0
"""Enough for a relay that compiles itself first."""
STOP_SECONDS = 3.0


class ProcessFailedError(Exception):
    """A measured process did not start, ended, or did not do its work."""


class MeasuredProcess:
    """A command, with its children, on the given cores; what it logs is in `bench/out`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        cores: set[int],
        *,
        reports_ready: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """With `reports_ready` the command is given `--ready-fd` too; `environ` adds to ours."""
        OUT.mkdir(parents=True, exist_ok=True)
        self.log = OUT / f"{name}.log"
        read_end, write_end = os.pipe()
        arguments = [*map(str, command)]
        if reports_ready:
            arguments.append(f"--ready-fd={write_end}")
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                pass_fds=[write_end],
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
                env={**os.environ, **(environ or {})},
            )
        os.close(write_end)
        self._ready_fd = read_end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def report(self) -> ReadyReport:
        """Wait until it is ready; what it reports. Raises ProcessFailedError."""
        deadline = time.monotonic() + READY_SECONDS
        text = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._ready_fd], [], [], left)[0]:
                raise ProcessFailedError(f"was not ready in {READY_SECONDS:g} s; see {self.log}")
            chunk = os.read(self._ready_fd, 65536)
            if not chunk:
                break
            text += chunk
        try:
            return parse_ready(text.decode())
        except json.JSONDecodeError:
            raise ProcessFailedError(f"ended before it was ready; see {self.log}") from None

    def tree(self) -> list[psutil.Process]:
        """The process, and all that descend from it. Raises ProcessFailedError."""
        if self._process.poll() is not None:
            raise ProcessFailedError(f"ended by itself; see {self.log}")
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def cpu_clock(self) -> Callable[[], float]:
        """Reads the CPU seconds that all threads of its present processes used, to the ns."""
        return cpu_clock(process.pid for process in self.tree())

    def resident_bytes(self) -> int:
        return sum(process.memory_info().rss for process in self.tree())

    def threads(self) -> list[int]:
        return [thread.id for process in self.tree() for thread in process.threads()]

    def stop(self) -> None:
        """End it: politely first."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for process in reversed(self.tree()):
                process.kill()
            self._process.wait()
        os.close(self._ready_fd)


def cpu_clock(pids: Iterable[int]) -> Callable[[], float]:
    """Reads the CPU seconds that all threads of these processes used, to the ns.

    The clock raises ProcessFailedError when one has ended.
    """
    fixed = list(pids)
    return lambda: sum(map(_cpu_seconds, fixed))


def _cpu_seconds(pid: int) -> float:
    """By the process's clock, whose id is made as clock_getcpuclockid(3) does."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        raise ProcessFailedError(f"process {pid} ended while it was measured") from None
