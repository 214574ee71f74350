"""A relay that is measured, and where it can be reached."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from antiphon_proto.address import Address
from bench.measured_process import MeasuredProcess
from chassis.host_port import HostPort
from chassis.readiness import ReadyReport

THIS_THREAD = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a relay can be reached."""

    public: Address
    tunnels: tuple[Address, ...] = ()
    admin: Address | None = None


class RelayProcess(MeasuredProcess):
    """One relay, with its children."""

    def ready(self) -> Ready:
        """Wait for the report. Raises ProcessFailedError."""
        return _parse_ready(self.report())


class Measured(Protocol):
    """One relay, or several of which one is looked at."""

    def cpu_clock(self) -> Callable[[], float]: ...

    def threads(self) -> list[int]: ...


@contextlib.contextmanager
def real_time(relay: Measured | None) -> Iterator[bool]:
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


def _schedule(relay: Measured | None, policy: int, priority: int) -> None:
    for thread in [THIS_THREAD, *(relay.threads() if relay else [])]:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(priority))


def _parse_ready(report: ReadyReport) -> Ready:
    public, tunnels, admin = report["public"], report["tunnels"], report.get("admin")
    if not isinstance(tunnels, list):
        raise TypeError("a relay reports a list of tunnels")
    return Ready(
        HostPort.parse(str(public)),
        tuple(HostPort.parse(tunnel) for tunnel in tunnels),
        HostPort.parse(str(admin)) if admin else None,
    )
