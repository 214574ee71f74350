"""What relays and transceivers say of their keys, by the metrics of their admin ports."""

import asyncio
from collections.abc import Iterator

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from antiphon.admin_ports import AdminPortList
from antiphon.key_rotation import KeyReport, Tier
from antiphon.unreachable import why_unreachable
from antiphon_proto.keys_in_force import (
    LIFETIME_METRIC,
    RELAY_METRIC,
    TRANSCEIVER_METRIC,
    KeyInForce,
)
from chassis.host_port import HostPort
from chassis.name_lookup import addresses_of_name
from chassis.worker_ports import WorkerPorts

MAX_PROCESSES = 10_000
_MAX_PAGE_BYTES = 8 * 1024 * 1024
_AT_ONCE = 32
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_INFO = {Tier.RELAY: RELAY_METRIC, Tier.TRANSCEIVER: TRANSCEIVER_METRIC}


class NoReportError(Exception):
    """A process did not say what its keys are; the text says why."""


def report_of_page(tier: Tier, name: str, page: str) -> KeyReport:
    """Read a page of metrics. Raises NoReportError."""
    try:
        samples = list(_samples(page, tier))
        keys = frozenset(
            KeyInForce.from_labels(sample.labels)
            for sample in samples
            if sample.name == _INFO[tier] and sample.value
        )
    except (ValueError, KeyError) as error:
        raise NoReportError("its metrics cannot be read") from error
    lifetimes = [sample.value for sample in samples if sample.name == LIFETIME_METRIC]
    if not keys or (tier is Tier.TRANSCEIVER and not lifetimes):
        raise NoReportError(f"says nothing of its keys: is this a {tier.value} of this version?")
    return KeyReport(tier, name, keys, max(lifetimes, default=0.0))


def _samples(page: str, tier: Tier) -> Iterator[Sample]:
    wanted = (_INFO[tier], LIFETIME_METRIC)
    # Only these: a page has hundreds of lines more, which cost more to understand.
    lines = [line for line in page.splitlines() if line.startswith(wanted)]
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        yield from family.samples


async def collect_reports(relays: AdminPortList, transceivers: AdminPortList) -> list[KeyReport]:
    """Ask all of them. Who cannot be found or asked has a report that says why."""
    asked = [(Tier.RELAY, each) for each in relays.entries]
    asked += [(Tier.TRANSCEIVER, each) for each in transceivers.entries]
    found = await asyncio.gather(*(_found(tier, ports) for tier, ports in asked))
    processes = dict.fromkeys(process for each in found for process in each)
    at_once = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as http:
        return list(
            await asyncio.gather(
                *(
                    _ask(http, at_once, tier, admin)
                    for tier, admin in list(processes)[:MAX_PROCESSES]
                )
            )
        )


async def _found(tier: Tier, ports: WorkerPorts) -> list[tuple[Tier, HostPort]]:
    """None where a name has no address, as a headless Service without pods has none."""
    hosts = await addresses_of_name(ports.host) if ports.is_name else [ports.host]
    return [(tier, HostPort(host, port)) for host in hosts for port in ports.ports]


async def _ask(
    http: aiohttp.ClientSession, at_once: asyncio.Semaphore, tier: Tier, admin: HostPort
) -> KeyReport:
    async with at_once:
        try:
            return report_of_page(tier, str(admin), await _page(http, admin))
        except NoReportError as error:
            return KeyReport(tier, str(admin), failure=str(error))


async def _page(http: aiohttp.ClientSession, admin: HostPort) -> str:
    """Raises NoReportError."""
    try:
        async with http.get(f"http://{admin}/metrics", allow_redirects=False) as response:
            if response.status != 200:
                raise NoReportError(f"/metrics answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _MAX_PAGE_BYTES:
                    raise NoReportError("/metrics is too long")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoReportError(why_unreachable(error)) from error
    return body.decode(errors="replace")
