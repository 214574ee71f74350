import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from antiphon.admin_ports import AdminPortList
from antiphon.key_reports import NoReportError, collect_reports, report_of_page
from antiphon.key_rotation import KeyReport, Tier
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.keys_in_force import keys_in_force
from relay.cluster_key_metrics import ClusterKeyCollector as RelayKeyCollector
from transceiver.cluster_key_metrics import ClusterKeyCollector

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(32)))


def relay_page() -> str:
    registry = CollectorRegistry()
    registry.register(RelayKeyCollector(lambda: KEYS))
    return generate_latest(registry).decode()


def transceiver_page(max_call_seconds: int = 3600) -> str:
    registry = CollectorRegistry()
    registry.register(ClusterKeyCollector(KEYS, max_call_seconds))
    return generate_latest(registry).decode()


@asynccontextmanager
async def served(page: str, status: int = 200) -> AsyncIterator[str]:
    """The address of an admin port that shows this page."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=page, status=status)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_a_relays_page_is_its_report() -> None:
    report = report_of_page(Tier.RELAY, "a", relay_page())
    assert report == KeyReport(Tier.RELAY, "a", frozenset(keys_in_force(KEYS)))


@pytest.mark.parametrize(("max_call_seconds", "lifetime_s"), [(3600, 7200), (10_000, 10_600)])
def test_a_transceivers_page_says_how_long_what_it_makes_lives(
    max_call_seconds: int, lifetime_s: float
) -> None:
    report = report_of_page(Tier.TRANSCEIVER, "a", transceiver_page(max_call_seconds))
    assert report.keys == frozenset(keys_in_force(KEYS))
    assert report.lifetime_s == lifetime_s


@pytest.mark.parametrize(
    ("tier", "page", "why"),
    [
        (Tier.RELAY, "", "is this a relay"),
        (Tier.RELAY, transceiver_page(), "is this a relay"),
        (Tier.TRANSCEIVER, relay_page(), "is this a transceiver"),
        (Tier.TRANSCEIVER, transceiver_page().replace("lifetime", "life"), "says nothing"),
        (Tier.RELAY, "antiphon_relay_cluster_key_info 1\n", "cannot be read"),
        (Tier.RELAY, relay_page().replace("mint", "sing"), "cannot be read"),
        (Tier.RELAY, "antiphon_relay_cluster_key_info{config_id=\n", "cannot be read"),
    ],
)
def test_what_tells_nothing_is_no_report(tier: Tier, page: str, why: str) -> None:
    with pytest.raises(NoReportError, match=why):
        report_of_page(tier, "a", page)


async def test_all_are_asked_and_who_does_not_answer_has_a_report_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    async with (
        served(relay_page()) as relay,
        served(transceiver_page()) as transceiver,
        served("", status=500) as broken,
    ):
        reports = await collect_reports(
            AdminPortList.parse(f"{relay},{nobody},{relay}"),
            AdminPortList.parse(f"dns:{transceiver},{broken}"),
        )
    by_name = {report.name: report for report in reports}
    assert len(reports) == len(by_name) == 4
    assert by_name[relay].keys == by_name[transceiver].keys == frozenset(keys_in_force(KEYS))
    assert by_name[nobody].failure == "Connection refused"
    assert by_name[broken].failure == "/metrics answered 500"


async def test_a_name_without_addresses_is_nobody() -> None:
    none = AdminPortList.parse("dns:nobody.invalid:8081")
    assert await collect_reports(none, none) == []


async def test_a_page_without_end_is_not_read_to_it() -> None:
    async with served("x" * (9 << 20)) as endless:
        ports = AdminPortList.parse(endless)
        [report] = await collect_reports(ports, AdminPortList.parse("dns:nobody.invalid:1"))
    assert report.failure == "/metrics is too long"
