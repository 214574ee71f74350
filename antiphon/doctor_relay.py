"""`antiphon doctor relay`: what a relay sees, without a packet capture."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec

from antiphon.finding import Finding, fail
from antiphon.relay_findings import client_findings, relay_findings
from antiphon.unreachable import why_unreachable
from antiphon_proto.relay_report import ClientReport, RelayReport
from chassis.host_port import HostPort
from chassis.settings import load, positive, setting

WINDOW_S = 1
"""Between the two reports that rates are taken from."""

_HTTP_TIMEOUT = aiohttp.ClientTimeout(total=5)

ReportT = TypeVar("ReportT", RelayReport, ClientReport)


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """A client's address, or its host on all ports."""

    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "ClientAddress":
        """Read `192.0.2.1`, `192.0.2.1:50000`, `2001:db8::1` or `[2001:db8::1]:50000`.

        Raises ValueError for anything else.
        """
        try:
            return cls(str(ipaddress.ip_address(text)), None)
        except ValueError:
            address = HostPort.parse(text)
        return cls(str(ipaddress.ip_address(address.host)), address.port)

    def query(self) -> dict[str, str]:
        return {"host": self.host} | ({} if self.port is None else {"port": str(self.port)})

    def __str__(self) -> str:
        return self.host if self.port is None else str(HostPort(self.host, self.port))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayDoctorSettings:
    """Says what a relay sees: its workers, owners, traffic, and why it drops what it drops."""

    admin: HostPort = setting(
        HostPort("127.0.0.1", 8081), parse=HostPort.parse, help="the relay's admin address"
    )
    client: ClientAddress | None = setting(
        None, parse=ClientAddress.parse, help="HOST or HOST:PORT: what it knows of this client"
    )
    watch: int | None = setting(
        None, parse=positive, help="seconds from one look to the next, until Ctrl-C"
    )


class NoReportError(Exception):
    """The relay did not give its report; the text says why."""


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print one line a finding. Returns 1 when any is bad."""
    settings = load(RelayDoctorSettings, argv, environ, prog="antiphon doctor relay")
    return asyncio.run(_look(settings))


async def _look(settings: RelayDoctorSettings) -> int:
    while True:
        code = 0
        async for finding in _findings(settings):
            print(finding, flush=True)
            code |= not finding.well
        if settings.watch is None:
            return code
        print(flush=True)


async def _findings(settings: RelayDoctorSettings) -> AsyncIterator[Finding]:
    window_s = settings.watch or WINDOW_S
    async with aiohttp.ClientSession(f"http://{settings.admin}", timeout=_HTTP_TIMEOUT) as http:
        try:
            before, began = await _fetch(http, "/debug/relay", RelayReport), time.monotonic()
            await asyncio.sleep(window_s)
            after = await _fetch(http, "/debug/relay", RelayReport)
            for finding in relay_findings(before, after, time.monotonic() - began):
                yield finding
            if settings.client is not None:
                known = await _fetch(
                    http, "/debug/relay/client", ClientReport, settings.client.query()
                )
                for finding in client_findings(str(settings.client), known):
                    yield finding
        except NoReportError as error:
            yield fail(f"relay at http://{settings.admin}: {error}")
            if settings.watch is not None:
                await asyncio.sleep(window_s)


async def _fetch(
    http: aiohttp.ClientSession,
    path: str,
    report: type[ReportT],
    query: Mapping[str, str] | None = None,
) -> ReportT:
    """Raises NoReportError."""
    try:
        async with http.get(path, params=query) as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NoReportError(why_unreachable(error)) from error
    if response.status != 200:
        raise NoReportError(f"{path} is answered {response.status}: is it a relay's admin address?")
    try:
        return msgspec.json.decode(body, type=report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoReportError(f"{path} is not a report of this version: {error}") from error
