"""Workers that come by themselves, prove who they are, and go."""

import asyncio
import datetime
import signal
from pathlib import Path

import pytest

from antiphon.development_certificate import development_certificate
from chassis.host_port import HostPort
from loadtest.callers.fleet import Target
from loadtest.coordinator.server import ServerCertificate
from loadtest.glimpse import Glimpse
from loadtest.run import RemoteWorkers, RunError, run
from tests.free_ports import free_port
from tests.loadtest.small_run import COMMAND, ROOT, Shown, scenario

TOKEN = "0123456789abcdef"


async def begin(remote: RemoteWorkers, token_file: Path, *flags: str) -> asyncio.subprocess.Process:
    token_file.write_text(TOKEN)
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        f"--coordinator=localhost:{remote.listen.port}",
        f"--token-file={token_file}",
        *flags,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )


def at_some_port(certificate: ServerCertificate | None = None) -> RemoteWorkers:
    return RemoteWorkers(HostPort("127.0.0.1", free_port()), TOKEN, certificate)


async def last_words(worker: asyncio.subprocess.Process) -> tuple[int | None, str]:
    _, said = await worker.communicate()
    return worker.returncode, said.decode()


async def test_they_may_come_before_the_coordinator_does(tmp_path: Path) -> None:
    remote = at_some_port()
    workers = [await begin(remote, tmp_path / "token") for _ in range(2)]
    result = await run(scenario(), Target(), workers=2, remote=remote)
    assert result.totals["calls_ended"] == 8
    assert [await last_words(worker) for worker in workers] == [(0, ""), (0, "")]


async def test_they_speak_tls_with_one_that_is_vouched_for(tmp_path: Path) -> None:
    made = development_certificate(tmp_path, [], datetime.datetime.now(datetime.UTC))
    pair = ServerCertificate(made.certificate.read_bytes(), made.key.read_bytes())
    remote = at_some_port(pair)
    vouched = f"--certificate-authority={made.certificate}"
    worker = await begin(remote, tmp_path / "token", vouched)
    result = await run(scenario(), Target(), remote=remote)
    assert result.totals["calls_ended"] == 8
    assert await last_words(worker) == (0, "")


async def test_without_the_token_they_are_turned_away(tmp_path: Path) -> None:
    remote = at_some_port()
    stop = asyncio.Event()
    running = asyncio.create_task(run(scenario(), Target(), remote=remote, stop=stop))
    (tmp_path / "other").write_text(TOKEN[::-1])
    worker = await begin(remote, tmp_path / "token", f"--token-file={tmp_path / 'other'}")
    code, said = await last_words(worker)
    assert code == 1
    assert "UNAUTHENTICATED" in said
    stop.set()
    with pytest.raises(RunError, match="stopped before the first call"):
        await running


async def test_a_place_is_one_workers_alone(tmp_path: Path) -> None:
    remote = at_some_port()
    running = asyncio.create_task(run(scenario(), Target(), workers=2, remote=remote))
    workers = [await begin(remote, tmp_path / "token", "--index=1") for _ in range(2)]
    turned_away = [asyncio.create_task(last_words(worker)) for worker in workers]
    done, _ = await asyncio.wait(turned_away, return_when=asyncio.FIRST_COMPLETED)
    code, said = done.pop().result()
    assert code == 1
    assert "FAILED_PRECONDITION" in said
    await begin(remote, tmp_path / "token", "--index=0")
    assert (await running).totals["calls_ended"] == 8
    await asyncio.wait(turned_away)


async def test_they_hang_up_when_the_coordinator_is_gone(tmp_path: Path) -> None:
    remote, at_work = at_some_port(), asyncio.Event()

    class AtWork(Shown):
        def glimpse(self, glimpse: Glimpse) -> None:
            at_work.set()

    long = scenario(seconds=600.0)
    running = asyncio.create_task(run(long, Target(), remote=remote, display=AtWork()))
    worker = await begin(remote, tmp_path / "token")
    await at_work.wait()
    running.cancel()
    await asyncio.wait([running])
    code, said = await last_words(worker)
    assert code == 1
    assert "coordinator" in said


async def test_one_that_is_told_to_end_is_lost(tmp_path: Path) -> None:
    remote = at_some_port()
    worker = await begin(remote, tmp_path / "token")

    class Ending(Shown):
        def glimpse(self, glimpse: Glimpse) -> None:
            if worker.returncode is None:
                worker.send_signal(signal.SIGTERM)

    result = await run(scenario(seconds=600.0), Target(), remote=remote, display=Ending())
    assert (await last_words(worker))[0] == 1
    assert result.totals["calls_failed"] == 8
    assert any("was lost" in note for note in result.notes)
