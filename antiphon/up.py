"""`antiphon up`: the whole deployment on this machine, until Ctrl-C."""

import asyncio
import datetime
import signal
import sys
from collections.abc import Mapping, Sequence

from antiphon.advertised_address import advertised_address
from antiphon.child_process import StartError
from antiphon.deployment import Deployment, KeepsFailingError
from antiphon.development_certificate import (
    DevelopmentCertificate,
    development_certificate,
    state_directory,
)
from antiphon.preflight import PreflightError, check_machine, check_ports
from antiphon.runtime_directory import RuntimeDirectory, new_api_key
from antiphon.tier_command import CertificateFiles
from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort
from chassis.logs import configure_logging
from chassis.settings import load

# The tiers read secrets from files, so that no process listing shows them.
_SECRETS = ("ANTIPHON_API_KEY", "ANTIPHON_LLM_API_KEY")


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 after Ctrl-C or SIGTERM, 1 when a tier keeps failing, 2 when one cannot start."""
    settings = load(UpSettings, argv, environ, prog="antiphon up")
    configure_logging("antiphon", settings.log_level, settings.log_format)
    try:
        check_machine()
        check_ports(settings)
        with RuntimeDirectory() as directory:
            asyncio.run(_serve(settings, directory, environ))
    except (PreflightError, StartError) as error:
        print(f"antiphon up: {error}", file=sys.stderr)
        return 2
    except KeepsFailingError as error:
        print(f"antiphon up: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(
    settings: UpSettings, directory: RuntimeDirectory, environ: Mapping[str, str]
) -> None:
    """Returns when a signal asked for the end and everything has ended."""
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked_to_end.set)
    api_key = settings.api_key or new_api_key()
    tier_environ = {name: value for name, value in environ.items() if name not in _SECRETS}
    # What a tier that is killed leaves behind goes with this directory.
    tier_environ["TMPDIR"] = str(directory.path)
    made = _development_certificate(settings, environ) if settings.tls else None
    certificate = _certificate_files(settings, made)
    deployment = Deployment(settings, api_key, directory, tier_environ, certificate)

    async def work() -> None:
        http = await deployment.start()
        print(ready_line(http, api_key, settings.engine, https=settings.https), flush=True)
        if deployment.sip:
            print(sip_line(deployment.sip), flush=True)
        if made is not None:
            print(made.how_to_trust(), flush=True)
        await deployment.keep_running()

    working = asyncio.create_task(work())
    ending = asyncio.create_task(asked_to_end.wait())
    try:
        await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        working.cancel()
        await asyncio.wait([working])
        await deployment.stop()
    if not working.cancelled():
        working.result()


def _development_certificate(
    settings: UpSettings, environ: Mapping[str, str]
) -> DevelopmentCertificate:
    """Raises PreflightError where it cannot be kept."""
    directory = state_directory(environ)
    hosts = [advertised_address(settings.advertise, settings.relay), settings.http]
    names = [advertised_address(None, host).host for host in hosts]
    try:
        return development_certificate(directory, names, datetime.datetime.now(datetime.UTC))
    except OSError as error:
        raise PreflightError(f"--tls: {directory}: {error.strerror}") from error


def _certificate_files(
    settings: UpSettings, made: DevelopmentCertificate | None
) -> CertificateFiles | None:
    if made is not None:
        return CertificateFiles(str(made.certificate), str(made.key))
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return CertificateFiles(settings.tls_certificate, settings.tls_key)


def sip_line(binds: Mapping[str, HostPort]) -> str:
    """Where phones and trunks are served."""
    by = {"sip": "by UDP and TCP", "sip-tls": "by TLS"}
    return "SIP: " + ", ".join(f"{bind} {by[name]}" for name, bind in binds.items())


def ready_line(http: HostPort, api_key: str, engine: str, *, https: bool = False) -> str:
    """All that a newcomer needs, on one line."""
    # A browser gives the microphone to pages from this machine, or else over https only.
    host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host  # noqa: S104
    url = f"{'https' if https else 'http'}://{HostPort(host, http.port)}/"
    return (
        f"Antiphon is ready: {url}  API key: {api_key}  engine: {engine}  talk: {url}#key={api_key}"
    )
