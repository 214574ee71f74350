"""What is compared: a service that takes calls, in processes of which one is measured."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from antiphon.runtime_directory import RuntimeDirectory, new_api_key, new_cluster_keys
from bench.measured_process import MeasuredProcess, ProcessFailedError, cpu_clock
from bench.transceiver.frame_notes import NOTES_VARIABLE
from bench.transceiver.generator import Service
from loadtest.deployment.workers import workers_of
from tests.e2e.running_deployment import scraped

ANY_PORT = "127.0.0.1:0"
MANY_CALLS = 1000

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Cores:
    """The measured process has one for itself, where there are two."""

    measured: int
    others: frozenset[int]

    @classmethod
    def of(cls, usable: Sequence[int]) -> "Cores":
        *others, measured = usable
        return cls(measured, frozenset(others or usable))


@dataclass(frozen=True, slots=True)
class Contender:
    """A running service."""

    service: Service
    measured: psutil.Process
    others: Mapping[str, Clock] = field(default_factory=dict)
    """CPU clocks of what works for the measured process, by name."""
    metrics: Callable[[], Mapping[str, float]] = dict
    """The measured process's own counts, `name{labels}` -> value."""

    def cpu_clock(self) -> Clock:
        return cpu_clock([self.measured.pid])

    def resident_bytes(self) -> int:
        return int(self.measured.memory_info().rss)


@contextmanager
def antiphon(
    cores: Cores,
    *,
    flags: Sequence[str] = (),
    notes: Path | None = None,
    engine: str = "",
) -> Iterator[Contender]:
    """Relay, inference and a transceiver of one worker, which gets `flags`, each as it ships.

    The worker is what is measured. With `notes` the engine writes `FrameNotes` there; `engine`
    is the module of another one.
    """
    with RuntimeDirectory() as directory, ExitStack() as running:
        keys = directory.write_secret("cluster.keys", new_cluster_keys())
        api_key = new_api_key()
        api_keys = directory.write_secret("api.keys", api_key)

        def start(module: str, *arguments: str) -> MeasuredProcess:
            command = [sys.executable, "-m", module, *arguments, "--log-level=warning"]
            name = f"transceiver-{module.rpartition('.')[2]}"
            environ = {NOTES_VARIABLE: str(notes)}
            process = MeasuredProcess(name, command, set(cores.others), environ=environ)
            return running.enter_context(process)

        relay = start(
            *("relay", f"--public={ANY_PORT}", f"--tunnel={ANY_PORT}", f"--admin={ANY_PORT}"),
            *(f"--cluster-keys={keys}", "--cpus=off", "--drain-seconds=0"),
        )
        inference = start(
            engine or ("bench.transceiver.noting_inference" if notes else "inference"),
            *("--engine=echo", f"--grpc={ANY_PORT}", f"--admin={ANY_PORT}"),
            f"--max-sessions={MANY_CALLS}",
        )
        transceiver = start(
            *("transceiver", f"--http={ANY_PORT}", f"--admin={ANY_PORT}"),
            f"--advertise={relay.report()['public']}",
            f"--inference={inference.report()['grpc']}",
            *(f"--cluster-keys={keys}", f"--api-keys={api_keys}"),
            # However many calls are wanted, they are to be let in, and not waited for at the end.
            *("--workers=1", f"--max-calls={MANY_CALLS}", "--max-load=1", "--drain-seconds=0"),
            *flags,
        )
        report = transceiver.report()
        (admin,) = report["admins"] if isinstance(report["admins"], list) else []
        worker = _worker(transceiver)
        for thread in worker.threads():
            os.sched_setaffinity(thread.id, {cores.measured})
        yield Contender(
            Service(f"http://{report['http']}", api_key),
            worker,
            {"relay": relay.cpu_clock(), "inference": inference.cpu_clock()},
            lambda: scraped(f"http://{admin}/metrics"),
        )


@contextmanager
def aiortc(cores: Cores, *, notes: Path | None = None) -> Iterator[Contender]:
    """The peer: one process, no relay, its engine within it."""
    flags = [f"--notes={notes}"] if notes else []
    command = [sys.executable, "-m", "bench.peers.aiortc_transceiver", *flags]
    with MeasuredProcess("transceiver-aiortc", command, {cores.measured}) as process:
        report = process.report()
        yield Contender(Service(f"http://{report['http']}"), process.tree()[0])


def _worker(transceiver: MeasuredProcess) -> psutil.Process:
    """The one process of the transceiver that owns calls."""
    workers = workers_of(transceiver.tree()[0].pid)
    if len(workers) != 1:
        raise ProcessFailedError(f"has {len(workers)} workers; see {transceiver.log}")
    return workers[0]
