import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from antiphon import cli, doctor
from antiphon.doctor_relay import ClientAddress
from antiphon_proto.relay_report import ClientFlow, ClientReport, RelayReport
from chassis.admin import serve_admin
from chassis.host_port import HostPort
from tests.antiphon.relay_reports import drops, relay


@asynccontextmanager
async def admin_port(*reports: RelayReport | bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """A relay's admin port that gives these reports in turn; its address, and what it was asked."""
    answers = iter(reports)
    asked: list[str] = []

    async def report(_request: web.Request) -> web.Response:
        answer = next(answers)
        return web.Response(
            body=answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        )

    async def client(request: web.Request) -> web.Response:
        asked.append(request.query_string)
        flow = ClientFlow(
            worker=0, client="192.0.2.9:5", owner="10.0.0.7:1", state="bound", seconds_left=23
        )
        flows = [flow] if request.query["host"] == "192.0.2.9" else []
        return web.Response(body=msgspec.json.encode(ClientReport(flows=flows)))

    routes = [web.get("/debug/relay", report), web.get("/debug/relay/client", client)]
    runner, bound = await serve_admin(
        HostPort("127.0.0.1", 0), CollectorRegistry(), lambda: None, routes
    )
    try:
        yield str(bound), asked
    finally:
        await runner.cleanup()


async def run_doctor(*argv: str) -> int:
    return await asyncio.to_thread(doctor.run, ["relay", *argv], {})


async def test_a_sound_relay(capsys: pytest.CaptureFixture[str]) -> None:
    async with admin_port(relay(), relay()) as (address, _asked):
        assert await run_doctor(f"--admin={address}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok    ready, takes clients on 0.0.0.0:3478"
    assert all(line.startswith("ok ") for line in lines)


async def test_a_fault_fails(capsys: pytest.CaptureFixture[str]) -> None:
    faulty = relay(drops=[drops("table_full", 8, "fault")])
    async with admin_port(relay(), faulty) as (address, _asked):
        assert await run_doctor(f"--admin={address}") == 1
    assert "FAIL  dropped, table_full: 8 packets" in capsys.readouterr().out


async def test_a_client_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    async with admin_port(relay(), relay(), relay(), relay()) as (address, asked):
        assert await run_doctor(f"--admin={address}", "--client=192.0.2.9:5") == 0
        assert "bound to owner 10.0.0.7:1 for 23 s more" in capsys.readouterr().out
        assert await run_doctor(f"--admin={address}", "--client=2001:db8::1") == 1
        assert "FAIL  client 2001:db8::1: no flow." in capsys.readouterr().out
    assert asked == ["host=192.0.2.9&port=5", "host=2001:db8::1"]


async def test_a_relay_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run_doctor("--admin=127.0.0.1:9") == 1
    assert capsys.readouterr().out == "FAIL  relay at http://127.0.0.1:9: Connection refused\n"


async def test_an_admin_port_of_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    runner, bound = await serve_admin(HostPort("127.0.0.1", 0), CollectorRegistry(), lambda: None)
    try:
        assert await run_doctor(f"--admin={bound}") == 1
    finally:
        await runner.cleanup()
    assert "/debug/relay is answered 404: is it a relay's admin address?" in capsys.readouterr().out


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"not_ready": 7}', b"\xff"])
async def test_a_report_that_cannot_be_read(
    body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    async with admin_port(body) as (address, _asked):
        assert await run_doctor(f"--admin={address}") == 1
    assert "is not a report of this version" in capsys.readouterr().out


async def test_watching_goes_on_until_it_is_stopped() -> None:
    """The second look gets no report any more, which is told, and looks again."""
    async with admin_port(relay(), relay()) as (address, _asked):
        watching = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "antiphon", "doctor", "relay"),
            *(f"--admin={address}", "--watch=1"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert watching.stdout is not None
        try:
            async with asyncio.timeout(30):
                said = [await watching.stdout.readuntil(b"\n\n") for _look in range(3)]
                watching.send_signal(signal.SIGINT)
                assert await watching.wait() == 130
        finally:
            if watching.returncode is None:
                watching.kill()
    assert said[0].startswith(b"ok    ready")
    assert said[1].startswith(b"FAIL")
    assert said[2].startswith(b"FAIL")


def test_a_bad_client_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "relay", "--client=example.org"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("antiphon doctor: --client: ")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", ClientAddress("192.0.2.1", None)),
        ("192.0.2.1:50000", ClientAddress("192.0.2.1", 50000)),
        ("2001:DB8::1", ClientAddress("2001:db8::1", None)),
        ("[2001:db8::1]:50000", ClientAddress("2001:db8::1", 50000)),
    ],
)
def test_reads_a_client_with_and_without_port(text: str, address: ClientAddress) -> None:
    assert ClientAddress.parse(text) == address
