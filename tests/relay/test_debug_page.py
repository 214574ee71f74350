from collections.abc import AsyncIterator, Sequence

import aiohttp
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from antiphon_proto.relay_report import (
    ClientFlow,
    ClientReport,
    OwnedFlows,
    RelayReport,
    RemoteCluster,
    WorkerReport,
)
from chassis.admin import serve_admin
from chassis.host_port import HostPort
from relay.counters import CounterTable, Tally
from relay.debug_page import DebugPage, debug_routes
from relay.description import WorkerDescription
from relay.drop_reason import DropReason
from relay.flows import FlowSnapshot, FlowState
from tests.relay.test_metrics import Sockets, Workers

WORKER = WorkerDescription(
    tunnel=("10.0.0.1", 40001),
    epoch=0xABC,
    fast_path=True,
    fallback=None,
    bound=7,
    provisional=1,
    ssrcs=8,
    phone_ports=4,
    leased_ports=1,
    table_bytes=1000,
    draining=False,
    config_ids=(1, 0),
    owners=((("2001:db8::7", 41000), 7), (("10.1.2.3%2", 41000), 1)),
    clusters=((2, 3, 1),),
)
FLOW = FlowSnapshot(
    client=("192.0.2.9", 50000),
    owner=("10.1.2.3", 40001),
    epoch=1,
    state=FlowState.BOUND,
    seconds_left=23,
    ufrag_mark=0,
    received=0,
    sent=0,
)


class Inside:
    """Two workers, of which the second does not answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []

    async def describe(self) -> Sequence[WorkerDescription | None]:
        return [WORKER, None]

    async def find_client(self, host: str, port: int | None) -> Sequence[tuple[int, FlowSnapshot]]:
        self.asked.append((host, port))
        return [(1, FLOW)] if host == "192.0.2.9" else []


class Admin:
    """The page on an admin port."""

    def __init__(self, address: HostPort, counters: CounterTable, inside: Inside) -> None:
        self.counters = counters
        self.inside = inside
        self._address = address

    async def get(self, path: str) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://{self._address}{path}") as response,
        ):
            return response.status, await response.read()

    async def report(self) -> RelayReport:
        _status, body = await self.get("/debug/relay")
        return msgspec.json.decode(body, type=RelayReport)


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    counters, inside = CounterTable(2), Inside()
    page = DebugPage(
        counters=counters,
        workers=Workers(),
        sockets=Sockets(),
        not_ready=lambda: "1 of 2 workers are running",
        draining=lambda: True,
        inside=inside,
    )
    runner, bound = await serve_admin(
        HostPort("127.0.0.1", 0), CollectorRegistry(), lambda: None, debug_routes(page)
    )
    yield Admin(bound, counters, inside)
    await runner.cleanup()


async def test_reports_the_relay(admin: Admin) -> None:
    report = await admin.report()
    assert (report.kernel_drops.public, report.kernel_drops.tunnel) == (5, 7)
    assert (report.not_ready, report.draining) == ("1 of 2 workers are running", True)
    assert (report.workers_wanted, report.workers_alive, report.worker_restarts) == (2, 1, 3)
    assert report.public == ["0.0.0.0:3478", "[::]:3478"]


async def test_reports_the_workers_that_answered(admin: Admin) -> None:
    admin.counters.worker(0).gauge(Tally.MODERATION_NANOSECONDS, 400_000)
    report = await admin.report()
    assert report.workers == [
        WorkerReport(
            index=0,
            tunnel="10.0.0.1:40001",
            epoch="0000000000000abc",
            fast_path=True,
            fallback=None,
            bound=7,
            provisional=1,
            ssrcs=8,
            table_bytes=1000,
            moderation_seconds=0.0004,
            draining=False,
            config_ids=[1, 0],
            owners=[
                OwnedFlows(owner="[2001:db8::7]:41000", bound=7),
                OwnedFlows(owner="10.1.2.3%2:41000", bound=1),
            ],
            phone_ports=4,
            leased_ports=1,
            clusters=[RemoteCluster(cluster=2, relays=3, answering=1)],
        )
    ]


async def test_reports_each_drop_reason_with_its_meaning(admin: Admin) -> None:
    admin.counters.worker(1).dropped(DropReason.INTEGRITY)
    drops = {each.reason: each for each in (await admin.report()).drops}
    assert drops.keys() == {reason.value for reason in DropReason}
    integrity = drops["integrity"]
    assert (integrity.count, integrity.direction, integrity.severity) == (1, "to_owner", "suspect")
    assert integrity.refuses_checks
    assert integrity.meaning.startswith("MESSAGE-INTEGRITY is absent")
    assert drops["table_full"].severity == "fault"


async def test_reports_the_keys_that_verified_something(admin: Admin) -> None:
    admin.counters.worker(0).check_verified(3)
    assert (await admin.report()).checks_verified == {3: 1}


async def test_finds_a_client(admin: Admin) -> None:
    status, body = await admin.get("/debug/relay/client?host=192.0.2.9&port=50000")
    assert status == 200
    assert msgspec.json.decode(body, type=ClientReport).flows == [
        ClientFlow(
            worker=1,
            client="192.0.2.9:50000",
            owner="10.1.2.3:40001",
            state="bound",
            seconds_left=23,
        )
    ]
    assert await admin.get("/debug/relay/client?host=2001:DB8:0::1") == (200, b'{"flows":[]}')
    assert admin.inside.asked == [("192.0.2.9", 50000), ("2001:db8::1", None)]


@pytest.mark.parametrize("query", ["", "?host=example.org", "?host=192.0.2.9&port=x"])
async def test_a_client_that_is_no_address_is_refused(admin: Admin, query: str) -> None:
    status, _reason = await admin.get(f"/debug/relay/client{query}")
    assert status == 400
    assert admin.inside.asked == []
