"""Carries one scenario out against one target, from its first call to its result."""

import asyncio
import datetime
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from chassis.host_port import HostPort
from loadtest import machine
from loadtest.callers.fleet import Target
from loadtest.coordinator import local_workers
from loadtest.coordinator.coordinator import LEAD_S, Coordinator, CoordinatorError
from loadtest.coordinator.remarks import remarks
from loadtest.coordinator.run_watch import RunWatch
from loadtest.coordinator.server import ServerCertificate, serving
from loadtest.coordinator.servicer import CoordinationServicer
from loadtest.deployment.deployment import Deployment
from loadtest.faults.schedule import impossible
from loadtest.interruption import done_before
from loadtest.progress import Display
from loadtest.recording import Recording
from loadtest.result import RunResult
from loadtest.scenario.scenario import Scenario
from loadtest.verdict.verdict import judge

LOCAL_PATIENCE_S = 180.0
"""A busy machine takes a while to compile what packets flow through."""


class RunError(Exception):
    """Nothing could be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class RemoteWorkers:
    """Workers that come by themselves, from wherever they are."""

    listen: HostPort
    token: str
    certificate: ServerCertificate | None = None
    """Of the coordinator; without one, whoever is between can read the API key."""
    patience_s: float = 600.0
    """How long they are waited for."""


async def run(
    scenario: Scenario,
    target: Target,
    *,
    workers: int = 1,
    remote: RemoteWorkers | None = None,
    deployment: Deployment | None = None,
    label: str = "",
    display: Display | None = None,
    stop: asyncio.Event | None = None,
    addresses: Sequence[str] = (),
    worker_command: Sequence[str] | None = None,
) -> RunResult:
    """Place all calls by so many workers, and gather what they measured.

    Workers are processes of this machine unless they are `remote`. `deployment` is running, and
    is left so. Set `stop` to end the run before its time, with what was measured until then. The
    levels of the result are those of the scenario, judged. Callers call from `addresses`, or from
    any of this machine. `worker_command` begins a process that takes the flags of
    `antiphon-loadtest worker`; that one itself unless given.

    Raises RunError where the run could not begin, and UnknownServiceLevelError.
    """
    shown = display or _Silent()
    if (reason := impossible(scenario.faults, deployment)) is not None:
        raise RunError(reason)
    stopped = stop or asyncio.Event()
    try:
        coordinator = Coordinator(scenario, target, workers)
        own = (f"--addresses={','.join(addresses)}",) if addresses else ()
        command = (*(worker_command or local_workers.COMMAND), *own)
        async with _attended(coordinator, workers, remote, shown, command):
            patience_s = LOCAL_PATIENCE_S if remote is None else remote.patience_s
            await _gather(coordinator, patience_s, stopped)
            recording = _recording(scenario, workers, label)
            coordinator.start(recording)
            watch = RunWatch(scenario, coordinator, recording, deployment, shown)
            async with watch:
                await coordinator.all_over(stopped)
    except (CoordinatorError, OSError) as error:
        raise RunError(str(error)) from error
    left_s = coordinator.started_at + scenario.load.seconds - time.monotonic()
    for remark in remarks(coordinator.roll, max(0.0, left_s) if stopped.is_set() else None):
        recording.note(remark)
    result = recording.result()
    return msgspec.structs.replace(result, levels=judge(result, scenario))


@asynccontextmanager
async def _attended(
    coordinator: Coordinator,
    workers: int,
    remote: RemoteWorkers | None,
    display: Display,
    command: Sequence[str],
) -> AsyncIterator[None]:
    """The coordinator listens, and its workers are told that it does or are started."""
    asked = remote or RemoteWorkers(HostPort("127.0.0.1", 0), secrets.token_urlsafe(32))
    servicer = CoordinationServicer(coordinator, asked.token)
    async with serving(servicer, asked.listen, asked.certificate) as address:
        if remote is not None:
            display.line(f"Waiting for {workers} workers on {address}")
            yield
            coordinator.send_home()
            return
        starting = local_workers.local_workers(
            workers, address, asked.token, display.line, coordinator.refuse, command
        )
        async with starting:
            try:
                yield
            finally:
                coordinator.send_home()


async def _gather(coordinator: Coordinator, patience_s: float, stop: asyncio.Event) -> None:
    """Raises RunError where not all workers were ready in time, or nobody wants them any more."""
    if await done_before(stop, coordinator.all_ready(), patience_s):
        return
    if stop.is_set():
        raise RunError("stopped before the first call")
    raise RunError(f"only {coordinator.roll.present} workers were ready after {patience_s:g} s")


def _recording(scenario: Scenario, workers: int, label: str) -> Recording:
    started_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=LEAD_S)
    return Recording(
        scenario, workers=workers, started_at=started_at, machine=machine.describe(), label=label
    )


class _Silent:
    """A display for runs that nobody looks at."""

    def line(self, text: str) -> None:
        pass

    def glimpse(self, glimpse: object) -> None:
        pass
