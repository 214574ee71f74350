"""`antiphon doctor`: what is right and wrong with this machine, and with a deployment."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from antiphon.finding import Finding, fail, judged, ok
from antiphon.preflight import (
    LIBRARIES,
    OLDEST_PYTHON,
    bind_problem,
    machine_problems,
    opus_library,
)
from antiphon.unreachable import why_unreachable
from antiphon.up_settings import filled, http_url
from chassis.host_port import HostPort
from chassis.settings import load, setting

_HTTP_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorSettings:
    """Checks this machine; with --url, a running deployment instead of free ports.

    `antiphon doctor relay --help` is about what a relay sees.
    """

    http: HostPort = setting(
        HostPort("127.0.0.1", 8080), parse=HostPort.parse, help="TCP address that must be free"
    )
    relay: HostPort = setting(
        HostPort("0.0.0.0", 3478),  # noqa: S104 - what `antiphon up` would bind
        parse=HostPort.parse,
        help="UDP address that must be free",
    )
    url: str | None = setting(None, parse=http_url, help="Realtime API of a running deployment")
    admin: HostPort | None = setting(
        None, parse=HostPort.parse, help="first of its admin addresses, as given to `antiphon up`"
    )
    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"parse": filled, "help": "its API key: place an echo call over UDP"},
    )


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print one line a finding. Returns 1 when any is bad."""
    if argv and argv[0] == "relay":
        # Imported here: the doctor must be able to say that a library is missing.
        from antiphon import doctor_relay

        return doctor_relay.run(argv[1:], environ)
    settings = load(DoctorSettings, argv, environ, prog="antiphon doctor")
    return asyncio.run(_print_findings(settings))


async def _print_findings(settings: DoctorSettings) -> int:
    code = 0
    async for finding in _findings(settings):
        print(finding, flush=True)
        code |= not finding.well
    return code


async def _findings(settings: DoctorSettings) -> AsyncIterator[Finding]:
    for finding in machine_findings():
        yield finding
    if settings.url is None:
        for finding in port_findings(settings):
            yield finding
        return
    yield await readiness_finding("Realtime API", settings.url.rstrip("/"))
    if settings.admin is not None:
        for index, tier in enumerate(("relay", "inference", "transceiver")):
            address = HostPort(settings.admin.host, settings.admin.port + index)
            yield await readiness_finding(tier, f"http://{address}")
    if settings.api_key is not None:
        yield await echo_finding(settings.url, settings.api_key)


def machine_findings() -> Iterator[Finding]:
    """What this machine has, then what it lacks."""
    if sys.version_info >= OLDEST_PYTHON:
        yield ok(f"Python {sys.version.split()[0]}")
    for library in LIBRARIES:
        if library.problem() is None:
            yield ok(f"{library.distribution} {library.version()}")
    if library_path := opus_library():
        yield ok(f"libopus: {library_path}")
    for problem in machine_problems():
        yield fail(problem)


def port_findings(settings: DoctorSettings) -> Iterator[Finding]:
    """Whether `antiphon up` would get its ports."""
    for name, bind, kind in (
        ("TCP", settings.http, socket.SOCK_STREAM),
        ("UDP", settings.relay, socket.SOCK_DGRAM),
    ):
        problem = bind_problem(bind, kind)
        yield judged(problem is None, f"{name} {bind} {problem or 'is free'}")


async def readiness_finding(name: str, url: str) -> Finding:
    """What a process of the deployment says of itself."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_HTTP_TIMEOUT) as http,
            http.get(f"{url}/readyz") as response,
        ):
            text = (await response.text()).strip().partition("\n")[0][:200]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return fail(f"{name} at {url}: {why_unreachable(error)}")
    return judged(response.status == 200, f"{name} at {url}: {text}")


async def echo_finding(url: str, api_key: str) -> Finding:
    """Whether audio goes to the deployment and back over UDP."""
    # Imported here: the doctor must be able to say that the library is missing.
    from antiphon.echo_call import echo_delay_ms
    from antiphon.realtime_call import CallError

    try:
        delay_ms = await echo_delay_ms(url, api_key)
    except CallError as error:
        return fail(f"echo call: {error}")
    return ok(f"echo call: a sound came back over UDP after {delay_ms:.0f} ms")
