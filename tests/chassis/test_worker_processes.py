import asyncio
import errno
import functools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from chassis.worker_processes import WORKER_NAME, WorkerObserver, WorkerProcesses

PATIENCE_S = 20.0


def wait_for_ever(directory: Path, index: int) -> None:
    (directory / f"{index}.{os.getpid()}").touch()
    while True:
        signal.pause()


def ignore_sigterm(directory: Path, index: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for_ever(directory, index)


async def started(directory: Path, count: int) -> set[str]:
    """The `index.pid` of the workers that ran so far, once there are `count`."""
    async with asyncio.timeout(PATIENCE_S):
        while len(names := {path.name for path in directory.iterdir()}) < count:
            await asyncio.sleep(0.02)
    return names


async def test_starts_one_process_an_index_and_ends_them(tmp_path: Path) -> None:
    workers = WorkerProcesses(2, functools.partial(wait_for_ever, tmp_path))
    workers.start()
    names = await started(tmp_path, 2)
    process_ids = workers.process_ids()
    assert names == {f"{index}.{pid}" for index, pid in enumerate(process_ids)}
    assert workers.alive == 2
    await workers.stop()
    assert not any(psutil.pid_exists(pid) for pid in process_ids)


async def test_a_crashed_worker_is_started_again_with_its_index(tmp_path: Path) -> None:
    workers = WorkerProcesses(2, functools.partial(wait_for_ever, tmp_path))
    workers.start()
    await started(tmp_path, 2)
    first, second = workers.process_ids()
    os.kill(second, signal.SIGKILL)
    names = await started(tmp_path, 3)
    assert len([name for name in names if name.startswith("1.")]) == 2
    assert workers.restarts == 1
    assert workers.process_ids()[0] == first
    await workers.stop()


class Reluctant(WorkerObserver):
    """Fails to start a second life once, as when the system is out of processes."""

    def __init__(self) -> None:
        self.asked = 0

    def arguments(self, index: int) -> tuple[()]:
        self.asked += 1
        if self.asked == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return ()


async def test_a_worker_that_cannot_be_started_again_is_tried_once_more(tmp_path: Path) -> None:
    workers = WorkerProcesses(1, functools.partial(wait_for_ever, tmp_path), Reluctant())
    workers.start()
    await started(tmp_path, 1)
    os.kill(workers.process_ids()[0], signal.SIGKILL)

    await started(tmp_path, 2)

    assert workers.restarts == 1
    assert workers.alive == 1
    await workers.stop()


class Diary(WorkerObserver):
    """Counts the lives of each worker, and gives each the number of its own."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self._lives = 0

    def arguments(self, index: int) -> tuple[str]:
        self._lives += 1
        return (f"life {self._lives}",)

    def started(self, index: int) -> None:
        self.entries.append(f"{index} started")

    def crashed(self, index: int) -> None:
        self.entries.append(f"{index} crashed")


def note_and_wait(directory: Path, index: int, argument: str) -> None:
    (directory / f"{index} {argument}").touch()
    while True:
        signal.pause()


async def test_an_observer_gives_each_life_its_arguments_and_sees_it_begin_and_crash(
    tmp_path: Path,
) -> None:
    diary = Diary()
    workers = WorkerProcesses(2, functools.partial(note_and_wait, tmp_path), diary)
    workers.start()
    assert await started(tmp_path, 2) == {"0 life 1", "1 life 2"}

    workers.kill(1)
    assert await started(tmp_path, 3) == {"0 life 1", "1 life 2", "1 life 3"}
    await workers.stop()

    assert diary.entries == ["0 started", "1 started", "1 crashed", "1 started"]


async def test_a_worker_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    workers = WorkerProcesses(1, functools.partial(ignore_sigterm, tmp_path))
    workers.start()
    await started(tmp_path, 1)
    (pid,) = workers.process_ids()
    await workers.stop(grace_s=0.1)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("preload", [(), ("json",)], ids=["spawned", "forked"])
def test_workers_die_with_a_parent_that_was_killed(
    tmp_path: Path, preload: tuple[str, ...]
) -> None:
    program = f"""
        import asyncio, functools, pathlib
        from {wait_for_ever.__module__} import WorkerProcesses, wait_for_ever

        async def main():
            path = pathlib.Path({str(tmp_path)!r})
            main = functools.partial(wait_for_ever, path)
            workers = WorkerProcesses(1, main, preload={preload})
            await workers.preload()
            workers.start()
            await asyncio.sleep({PATIENCE_S})

        if __name__ == "__main__":
            asyncio.run(main())
    """
    script = tmp_path.parent / "parent.py"
    script.write_text(textwrap.dedent(program))
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], env=environ) as parent:
        (name,) = asyncio.run(started(tmp_path, 1))
        descendants = psutil.Process(parent.pid).children(recursive=True)
        assert int(name.split(".")[1]) in [each.pid for each in descendants]
        parent.kill()
    _, left = psutil.wait_procs(descendants, PATIENCE_S)
    assert not left


async def test_workers_that_may_end_are_waited_for_and_not_started_again(tmp_path: Path) -> None:
    workers = WorkerProcesses(2, functools.partial(wait_for_ever, tmp_path))
    workers.start()
    await started(tmp_path, 2)
    ending = asyncio.create_task(workers.ended())
    first, second = workers.process_ids()
    os.kill(first, signal.SIGKILL)
    while psutil.pid_exists(first):
        await asyncio.sleep(0.02)
    assert not ending.done()
    os.kill(second, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_S):
        await ending
    assert workers.restarts == 0
    assert len(list(tmp_path.iterdir())) == 2
    await workers.stop()


def note_what_is_imported(directory: Path, index: int) -> None:
    (directory / str("colorsys" in sys.modules)).touch()
    wait_for_ever(directory, index)


@pytest.mark.parametrize("preload", [(), ("colorsys",)], ids=["spawned", "forked"])
async def test_workers_find_imported_what_was_preloaded(
    tmp_path: Path, preload: tuple[str, ...]
) -> None:
    workers = WorkerProcesses(
        1, functools.partial(note_what_is_imported, tmp_path), preload=preload
    )
    await workers.preload()
    workers.start()
    await started(tmp_path, 2)
    assert (tmp_path / str(bool(preload))).exists()
    await workers.stop()


async def test_a_worker_is_named_after_its_index(tmp_path: Path) -> None:
    workers = WorkerProcesses(1, functools.partial(wait_for_ever, tmp_path))
    workers.start()
    await started(tmp_path, 1)
    (pid,) = workers.process_ids()
    assert psutil.Process(pid).name() == f"{WORKER_NAME}0"
    await workers.stop()


async def test_forked_workers_are_started_again_also_when_what_they_fork_from_ended(
    tmp_path: Path,
) -> None:
    workers = WorkerProcesses(2, functools.partial(wait_for_ever, tmp_path), preload=("json",))
    await workers.preload()
    workers.start()
    await started(tmp_path, 2)
    former = [psutil.Process(pid) for pid in workers.process_ids()]
    psutil.Process(former[0].ppid()).kill()
    await started(tmp_path, 4)
    restarts, left = workers.restarts, [each for each in former if each.is_running()]
    await workers.stop()
    assert restarts == 2
    assert all(each.status() == psutil.STATUS_ZOMBIE for each in left)
