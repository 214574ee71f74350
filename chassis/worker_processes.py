"""A fixed number of worker processes, restarted when they crash."""

import asyncio
import ctypes
import logging
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from chassis.death_signal import die_with_starter
from chassis.fork_server import ForkServer

logger = logging.getLogger(__name__)

_spawned = multiprocessing.get_context("spawn").Process
_forked = multiprocessing.get_context("forkserver").Process

WORKER_NAME = "worker-"
"""How the names of the processes begin, which `ps -o comm` shows; their index follows."""
PR_SET_NAME = 15
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 5.0
STABLE_AFTER_S = 10.0


@dataclass
class _Worker:
    index: int
    process: BaseProcess
    started: float
    backoff_s: float
    watch: "asyncio.Task[None]"


class WorkerObserver:
    """Takes part in each worker's lives; this one does not."""

    def arguments(self, index: int) -> tuple[Any, ...]:
        """What `main` gets after the index in the life that is about to begin; must pickle."""
        return ()

    def started(self, index: int) -> None:
        """Worker `index` was started."""

    def crashed(self, index: int) -> None:
        """Worker `index` ended by itself, and will be started again."""


class WorkerProcesses:
    """Runs `main(index)` in `count` processes until `stop()`.

    `main` must pickle (a module's function, or a partial of one). A worker whose
    `main` returns or raises has crashed: it is started again with the same index
    after a back-off that doubles while crashes follow each other within 10 s.

    Workers are not forked from this process: one that is started again from a running event
    loop must not inherit that loop's descriptors and locks. They are spawned; with `preload`,
    the modules that they need, forked from a process that did nothing but import these, which
    takes milliseconds.
    """

    def __init__(
        self,
        count: int,
        main: Callable[..., None],
        observer: WorkerObserver | None = None,
        *,
        preload: Sequence[str] = (),
    ) -> None:
        self.count = count
        self._fork_server = ForkServer(preload) if preload else None
        self._process = _forked if preload else _spawned
        self.restarts = 0
        self._main = main
        self._observer = observer or WorkerObserver()
        self._workers: dict[int, _Worker] = {}
        self._stopping = False

    @property
    def alive(self) -> int:
        return sum(worker.process.is_alive() for worker in self._workers.values())

    def process_id(self, index: int) -> int | None:
        """None where the worker was not started yet."""
        worker = self._workers.get(index)
        return worker.process.pid if worker else None

    def process_ids(self) -> list[int]:
        return [worker.process.pid or 0 for worker in self._workers.values()]

    async def preload(self) -> None:
        """Have what is to be preloaded imported: starting a worker before waits for that."""
        if self._fork_server is not None:
            self._fork_server.begin()
            await asyncio.to_thread(self._fork_server.wait)

    def start(self) -> None:
        """Start the workers. Call from within a running event loop."""
        for index in range(self.count):
            self._start(index, FIRST_BACKOFF_S)

    def kill(self, index: int) -> None:
        """End a worker that cannot go on; it is started again."""
        self._workers[index].process.kill()

    async def ended(self) -> None:
        """Wait until all have ended by themselves; from here on none is started again."""
        self._stopping = True
        await asyncio.wait([worker.watch for worker in self._workers.values()])

    async def stop(self, grace_s: float = 0.8) -> None:
        """End every worker: SIGTERM, and SIGKILL for one that outlives the grace."""
        self._stopping = True
        workers = list(self._workers.values())
        for worker in workers:
            worker.process.terminate()
        ending = [worker.watch for worker in workers if worker.process.is_alive()]
        if ending:
            await asyncio.wait(ending, timeout=grace_s)
        for worker in workers:
            worker.watch.cancel()
            worker.process.kill()
            worker.process.join()

    def _start(self, index: int, backoff_s: float) -> None:
        process = self._process(
            target=_run,
            args=(self._main, index, *self._observer.arguments(index)),
            name=f"{WORKER_NAME}{index}",
        )
        process.start()
        loop = asyncio.get_running_loop()
        watch = loop.create_task(self._watch(index))
        self._workers[index] = _Worker(index, process, loop.time(), backoff_s, watch)
        self._observer.started(index)

    async def _watch(self, index: int) -> None:
        worker = self._workers[index]
        await _ended(worker.process)
        if self._stopping:
            return
        logger.error("worker %d ended with %s; restarting it", index, worker.process.exitcode)
        self.restarts += 1
        self._observer.crashed(index)
        stable = asyncio.get_running_loop().time() - worker.started > STABLE_AFTER_S
        await self._start_again(index, FIRST_BACKOFF_S if stable else worker.backoff_s)

    async def _start_again(self, index: int, backoff_s: float) -> None:
        """Until it succeeds: the system may be out of processes for a while."""
        while True:
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
            if self._stopping:
                return
            try:
                await self.preload()
                self._start(index, backoff_s)
            except (OSError, EOFError) as error:
                logger.error("worker %d cannot be started: %s", index, error)  # noqa: TRY400
            else:
                return


def _run(main: Callable[..., None], *arguments: Any) -> None:
    die_with_starter()
    name = multiprocessing.current_process().name
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())
    # Ctrl-C reaches the whole terminal's process group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(*arguments)


async def _ended(process: BaseProcess) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
