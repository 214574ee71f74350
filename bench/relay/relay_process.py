"""A relay that is measured: its process tree, and what that uses of the machine."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from antiphon_proto.address import Address
from bench.figures import OUT
from chassis.host_port import HostPort

READY_SECONDS = 300.0
"""Enough for a relay that compiles itself first."""
STOP_SECONDS = 3.0
THIS_THREAD = 0


class RelayFailedError(Exception):
    """A relay did not start, or did not carry the calls."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a relay can be reached."""

    public: Address
    tunnels: tuple[Address, ...] = ()
    admin: Address | None = None


class RelayProcess:
    """One relay, with its children, on the given cores; what it logs is in `bench/out`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        cores: set[int],
        *,
        reports_ready: bool = True,
    ) -> None:
        """With `reports_ready` the command is given `--ready-fd` too."""
        OUT.mkdir(parents=True, exist_ok=True)
        self.log = OUT / f"relay-{name}.log"
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
            )
        os.close(write_end)
        self._ready_fd = read_end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ready(self) -> Ready:
        """Wait for the report. Raises RelayFailedError."""
        deadline = time.monotonic() + READY_SECONDS
        text = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._ready_fd], [], [], left)[0]:
                raise RelayFailedError(f"was not ready in {READY_SECONDS:g} s; see {self.log}")
            chunk = os.read(self._ready_fd, 65536)
            if not chunk:
                return _parse_ready(text, self.log)
            text += chunk

    def cpu_clock(self) -> Callable[[], float]:
        """Reads the CPU seconds that all threads of its present processes used, to the ns."""
        processes = [process.pid for process in self._tree()]
        return lambda: sum(map(_cpu_seconds, processes))

    def resident_bytes(self) -> int:
        return sum(process.memory_info().rss for process in self._tree())

    def threads(self) -> list[int]:
        return [thread.id for process in self._tree() for thread in process.threads()]

    def stop(self) -> None:
        """End it: politely first."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for process in reversed(self._tree()):
                process.kill()
            self._process.wait()
        os.close(self._ready_fd)

    def _tree(self) -> list[psutil.Process]:
        if self._process.poll() is not None:
            raise RelayFailedError(f"ended by itself; see {self.log}")
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]


@contextlib.contextmanager
def real_time(relay: RelayProcess | None) -> Iterator[bool]:
    """Put this thread and the relay's before all ordinary ones (SCHED_FIFO).

    Yields False where that is denied. For less than a second at a time: the kernel then takes
    the core away for a moment. https://docs.kernel.org/scheduler/sched-rt-group.html.
    """
    try:
        _schedule(relay, os.SCHED_FIFO, 1)
        granted = True
    except PermissionError:
        granted = False
    try:
        yield granted
    finally:
        if granted:
            _schedule(relay, os.SCHED_OTHER, 0)


def _schedule(relay: RelayProcess | None, policy: int, priority: int) -> None:
    for thread in [THIS_THREAD, *(relay.threads() if relay else [])]:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(priority))


def _parse_ready(text: bytes, log: Path) -> Ready:
    try:
        report = json.loads(text)
    except ValueError:
        raise RelayFailedError(f"ended before it was ready; see {log}") from None
    admin = report.get("admin")
    return Ready(
        HostPort.parse(report["public"]),
        tuple(HostPort.parse(tunnel) for tunnel in report["tunnels"]),
        HostPort.parse(admin) if admin else None,
    )


def _cpu_seconds(pid: int) -> float:
    """By the process's clock, whose id is made as clock_getcpuclockid(3) does."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        raise RelayFailedError(f"process {pid} ended while it was measured") from None
