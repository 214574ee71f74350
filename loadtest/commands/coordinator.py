"""`antiphon-loadtest coordinator`: carries a scenario out by workers on other hosts."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chassis.host_port import HostPort
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, positive, setting, switch
from loadtest.coordinator.join_token import parse_token
from loadtest.coordinator.server import ServerCertificate
from loadtest.reported_run import ReportFiles, carry_out, report
from loadtest.run import RemoteWorkers, RunError
from loadtest.run import run as run_scenario
from loadtest.scenario_argument import scenario_and_settings
from loadtest.target_settings import TargetSettings, check_target

PROG = "antiphon-loadtest coordinator"


@dataclass(frozen=True, kw_only=True)
class Settings(TargetSettings):
    """SCENARIO first: a file, or a name that `antiphon-loadtest scenarios` lists."""

    listen: HostPort = setting(
        HostPort("0.0.0.0", 7700),  # noqa: S104 - its workers are elsewhere, and prove themselves
        help="where workers find this: HOST:PORT", parse=HostPort.parse,
    )  # fmt: skip
    workers: int = setting(help="how many to wait for before the first call", parse=positive)
    token_file: str = setting(
        help="file with the token that workers prove themselves by", parse=str
    )
    tls_certificate: str | None = setting(
        None, help="PEM file with this host's certificate, for TLS", parse=str
    )
    tls_key: str | None = setting(None, help="PEM file with its key", parse=str)
    patience_seconds: int = setting(600, help="how long workers are waited for", parse=positive)
    label: str | None = setting(
        None, help="what was tested, for reports on several runs", parse=str
    )
    out: Path = setting(Path("loadtest-results"), help="directory of the report", parse=Path)
    print_result: bool = switch(
        help="print the JSON of the result as the last line, for where files do not last"
    )


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when all service levels held, 1 when not, 2 when nothing could be measured."""
    scenario, settings = scenario_and_settings(Settings, argv, environ, prog=PROG)
    target = settings.as_target()
    check_target(target, scenario)
    remote = _remote(settings)
    files = ReportFiles(settings.out, scenario.name)
    try:
        files.prepare()
        result = carry_out(
            lambda display, stop: run_scenario(
                scenario,
                target,
                workers=settings.workers,
                remote=remote,
                label=settings.label or "",
                display=display,
                stop=stop,
            )
        )
        code = report(result, files)
    except (RunError, OSError) as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    if settings.print_result:
        print(msgspec.json.encode(result).decode(), flush=True)
    return code


def _remote(settings: Settings) -> RemoteWorkers:
    """Raises SettingError."""
    return RemoteWorkers(
        listen=settings.listen,
        token=read_secret_file("--token-file", settings.token_file, parse_token),
        certificate=_certificate(settings),
        patience_s=float(settings.patience_seconds),
    )


def _certificate(settings: Settings) -> ServerCertificate | None:
    if settings.tls_certificate is None and settings.tls_key is None:
        return None
    if settings.tls_certificate is None or settings.tls_key is None:
        raise SettingError("--tls-certificate and --tls-key go together")
    return ServerCertificate(
        chain=read_secret_file("--tls-certificate", settings.tls_certificate, str.encode),
        key=read_secret_file("--tls-key", settings.tls_key, str.encode),
    )
