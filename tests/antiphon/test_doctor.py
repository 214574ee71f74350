import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from antiphon import doctor, preflight
from antiphon.preflight import Library
from chassis.admin import serve_admin
from chassis.host_port import HostPort
from tests.antiphon.answering_peer import API_KEY, answering_peer

FREE = ("--http=127.0.0.1:0", "--relay=127.0.0.1:0")


def findings(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_sound_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run(FREE, {}) == 0
    lines = findings(capsys)
    assert all(line.startswith("ok  ") for line in lines)
    assert any("libopus: " in line for line in lines)
    assert lines[-1] == "ok    UDP 127.0.0.1:0 is free"


def test_a_missing_library_and_a_busy_port_are_told_and_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (preflight, doctor):
        monkeypatch.setattr(module, "LIBRARIES", (Library("no_such", "no-such"),))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        relay = HostPort(*holder.getsockname())
        assert doctor.run(["--http=127.0.0.1:0", f"--relay={relay}"], {}) == 1
    failures = [line for line in findings(capsys) if line.startswith("FAIL")]
    assert failures == [
        "FAIL  the Python package no-such is not installed",
        f"FAIL  UDP {relay} cannot be used: Address already in use",
    ]


async def test_a_process_is_as_ready_as_it_says() -> None:
    reason: str | None = "no replica"
    runner, bound = await serve_admin(HostPort("127.0.0.1", 0), CollectorRegistry(), lambda: reason)
    try:
        finding = await doctor.readiness_finding("relay", f"http://{bound}")
        assert str(finding) == f"FAIL  relay at http://{bound}: no replica"
        reason = None
        finding = await doctor.readiness_finding("relay", f"http://{bound}")
        assert str(finding) == f"ok    relay at http://{bound}: ready"
    finally:
        await runner.cleanup()


async def test_a_process_that_is_not_there_fails() -> None:
    finding = await doctor.readiness_finding("relay", "http://127.0.0.1:9")
    assert str(finding) == "FAIL  relay at http://127.0.0.1:9: Connection refused"


async def test_an_echo_call_proves_the_way_over_udp(capsys: pytest.CaptureFixture[str]) -> None:
    async with answering_peer() as (peer, url):
        argv = (f"--url={url}", f"--api-key={API_KEY}")
        code = await asyncio.to_thread(doctor.run, argv, {})
        assert peer.sessions == [{"type": "realtime", "model": "echo"}]
    (echo,) = [line for line in findings(capsys) if "echo call" in line]
    assert echo.startswith("ok    echo call: a sound came back over UDP after ")
    assert code == 1  # this peer serves no /readyz


async def test_an_echo_call_that_is_refused_fails() -> None:
    async with answering_peer() as (_, url):
        finding = await doctor.echo_finding(url, "sk-wrong")
    assert not finding.well
    assert "401 Incorrect API key provided." in finding.text
