import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from antiphon.child_process import ChildProcess, StartError, ended_how
from antiphon.tier_output import TierOutput
from tests.antiphon.conftest import WriteTier

PATIENCE_S = 20.0

READY = """
import os, signal, sys
fd = int(sys.argv[-1].removeprefix("--ready-fd="))
def ready():
    os.write(fd, b'{"grpc": "127.0.0.1:1"}')
    os.close(fd)
"""


class Sink:
    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.output = TierOutput(self.lines.append)


@pytest.fixture
def sink() -> Sink:
    return Sink()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)


async def test_ready_then_stopped_by_sigterm(write_tier: WriteTier, sink: Sink) -> None:
    program = READY + "print('hello', sys.argv[1], flush=True); ready(); signal.pause()"
    environ = write_tier("tier", program)
    child = ChildProcess(["tier", "--grpc=x"], environ, sink.output)
    assert await child.ready() == {"grpc": "127.0.0.1:1"}
    await child.stop()
    assert await child.wait() == -signal.SIGTERM
    assert sink.lines == [b"hello --grpc=x\n"]
    assert gone(child.pid)


async def test_a_start_up_error_is_the_tiers_own_line(write_tier: WriteTier, sink: Sink) -> None:
    program = "import sys; print('starting'); sys.exit(print('tier: port in use') or 2)"
    child = ChildProcess(["tier"], write_tier("tier", program), sink.output)
    with pytest.raises(StartError, match=r"^tier: port in use$"):
        await child.ready()
    assert sink.lines == []
    assert await child.wait() == 2


async def test_a_crash_at_the_start_shows_everything(write_tier: WriteTier, sink: Sink) -> None:
    child = ChildProcess(["tier"], write_tier("tier", "raise RuntimeError('oh')"), sink.output)
    with pytest.raises(StartError, match="tier ended with exit code 1 before it was ready"):
        await child.ready()
    assert sink.lines[-1] == b"RuntimeError: oh\n"


async def test_a_tier_that_never_gets_ready_is_given_up(write_tier: WriteTier, sink: Sink) -> None:
    child = ChildProcess(["tier"], write_tier("tier", "import signal; signal.pause()"), sink.output)
    with pytest.raises(StartError, match=r"tier was not ready after 0\.05 s"):
        await child.ready(timeout_s=0.05)
    await child.stop()


async def test_what_ignores_sigterm_is_killed_with_all_it_started(
    write_tier: WriteTier, sink: Sink
) -> None:
    program = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker = os.fork()
        if worker:
            print(worker, flush=True)
            ready()
        signal.pause()
    """
    environ = write_tier("tier", READY + textwrap.dedent(program))
    child = ChildProcess(["tier"], environ, sink.output)
    await child.ready()
    await child.stop(grace_s=0.05)
    assert await child.wait() == -signal.SIGKILL
    wait_until_gone(int(sink.lines[0]))


async def test_what_left_the_process_group_does_not_hold_up_the_end(
    write_tier: WriteTier, sink: Sink
) -> None:
    program = """
        if not os.fork():
            os.setsid()
            print(os.getpid(), flush=True)
            ready()
        signal.pause()
    """
    environ = write_tier("tier", READY + textwrap.dedent(program))
    child = ChildProcess(["tier"], environ, sink.output)
    await child.ready()
    await asyncio.wait_for(child.stop(), PATIENCE_S)
    os.kill(int(sink.lines[0]), signal.SIGKILL)


async def test_workers_of_a_tier_that_died_do_not_outlive_it(
    write_tier: WriteTier, sink: Sink
) -> None:
    program = "\nworker = os.fork()\nif worker:\n    print(worker, flush=True)\n    ready()\n"
    environ = write_tier("tier", READY + program + "signal.pause()")
    child = ChildProcess(["tier"], environ, sink.output)
    await child.ready()
    os.kill(child.pid, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    wait_until_gone(int(sink.lines[0]))
    await child.stop()


def test_a_child_dies_with_a_parent_that_was_killed(write_tier: WriteTier, tmp_path: Path) -> None:
    write_tier("tier", READY + "ready(); signal.pause()")
    program = """
        import asyncio, os
        from antiphon.child_process import ChildProcess
        from antiphon.tier_output import TierOutput

        async def main():
            child = ChildProcess(["tier"], os.environ, TierOutput(print))
            await child.ready()
            print(child.pid, flush=True)
            await child.wait()

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    wait_until_gone(pid)


def test_ends_are_told_in_words() -> None:
    assert ended_how(1) == "ended with exit code 1"
    assert ended_how(-9) == "was killed by SIGKILL"


async def test_a_terminals_ctrl_c_does_not_reach_it(write_tier: WriteTier, sink: Sink) -> None:
    environ = write_tier("tier", READY + "ready(); signal.pause()")
    child = ChildProcess(["tier"], environ, sink.output)
    await child.ready()
    assert os.getpgid(child.pid) == child.pid
    assert os.getsid(child.pid) != os.getsid(0)
    await asyncio.gather(child.stop(), child.stop())
