"""`antiphon-loadtest worker`: places the calls that a coordinator orders."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from chassis.host_port import HostPort
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, load, setting, whole_number
from loadtest.caller_addresses import parse_addresses
from loadtest.coordinator.join_token import parse_token
from loadtest.worker.run_worker import WorkerError, WorkerSettings, run_worker

PROG = "antiphon-loadtest worker"


@dataclass(frozen=True)
class Settings:
    """Place the calls that a coordinator orders, in one process: as many as there are cores."""

    coordinator: HostPort = setting(
        help="where the coordinator listens: HOST:PORT", parse=HostPort.parse
    )
    token_file: str = setting(help="file with the token of the run", parse=str)
    certificate_authority: str | None = setting(
        None, help="PEM file that vouches for the coordinator; without it no TLS", parse=str
    )
    index: int | None = setting(
        None, help="which of the run's workers this is, from 0; any", parse=whole_number(0)
    )
    patience_seconds: int = setting(
        60, help="how long the coordinator is waited for", parse=whole_number(1)
    )
    addresses: tuple[str, ...] = setting(
        (), help="addresses of this host to call from: IP,IP-IP", parse=parse_addresses
    )


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when the run is over, 1 when it could not take part to its end."""
    settings = load(Settings, argv, environ, prog=PROG)
    known = WorkerSettings(
        coordinator=settings.coordinator,
        token=read_secret_file("--token-file", settings.token_file, parse_token),
        index=settings.index,
        certificate_authority=_authority(settings.certificate_authority),
        patience_s=float(settings.patience_seconds),
        addresses=settings.addresses,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_terminated(known))
    except WorkerError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 1
    return 0


async def _until_terminated(settings: WorkerSettings) -> None:
    """SIGTERM hangs all calls up."""
    working = asyncio.ensure_future(run_worker(settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        raise WorkerError("was told to end") from None


def _authority(path: str | None) -> bytes | None:
    """Raises SettingError."""
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingError(f"--certificate-authority {path}: {error.strerror}") from error
