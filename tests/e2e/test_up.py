"""`antiphon up` as a process: what it prints, keeps running and leaves behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from antiphon.echo_call import echo_delay_ms
from antiphon.preflight import bind_problem
from chassis.host_port import HostPort
from tests.e2e.running_deployment import (
    ANY_PORTS,
    RunningDeployment,
    running_deployment,
    still_running,
    wait_until,
)

STOP_S = 2.0


def addresses(deployment: RunningDeployment) -> list[tuple[HostPort, socket.SocketKind]]:
    """Everything that the tiers reported to listen on."""
    kinds = {
        "public": socket.SOCK_DGRAM,
        "tunnels": socket.SOCK_DGRAM,
        "http": socket.SOCK_STREAM,
        "grpc": socket.SOCK_STREAM,
        "admin": socket.SOCK_STREAM,
        "admins": socket.SOCK_STREAM,
    }
    found = []
    for tier in ("relay", "inference", "transceiver"):
        for name, kind in kinds.items():
            value = deployment.report(tier).get(name, [])
            for address in [value] if isinstance(value, str) else value:
                found.append((HostPort.parse(address), kind))
    return found


def test_the_ready_line_leads_to_a_page_and_every_tier_is_ready(
    deployment: RunningDeployment,
) -> None:
    with urllib.request.urlopen(f"{deployment.url}/", timeout=10) as response:
        assert "Antiphon" in response.read().decode()
    admins = [deployment.report(tier) for tier in ("relay", "inference", "transceiver")]
    for report in admins:
        for admin in report.get("admins") or [report["admin"]]:
            with urllib.request.urlopen(f"http://{admin}/readyz", timeout=10) as response:
                assert response.status == 200
    assert deployment.engine == "cascade"
    assert deployment.api_key.startswith("sk-antiphon-")


def test_no_secret_is_on_a_command_line(deployment: RunningDeployment) -> None:
    for process in deployment.processes()[1:]:
        assert deployment.api_key not in " ".join(process.cmdline())
        assert "ANTIPHON_API_KEY" not in process.environ()


# Others' tests would take a port that is free again.
@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_and_frees_every_port(number: signal.Signals) -> None:
    with running_deployment("--workers=2", "--relay-workers=2") as deployment:
        processes, listening = deployment.processes(), addresses(deployment)
        assert len(processes) >= 6
        began = time.monotonic()
        deployment.process.send_signal(number)
        code = deployment.process.wait(10)
        took_s = time.monotonic() - began
        assert (code, took_s < STOP_S) == (0, True), took_s
        assert still_running(processes) == []
        assert [bind_problem(bind, kind) for bind, kind in listening] == [None] * len(listening)


def test_ctrl_c_during_the_start_ends_it_too() -> None:
    deployment = RunningDeployment(*ANY_PORTS)
    wait_until(lambda: psutil.Process(deployment.process.pid).children(), "a tier")
    processes = deployment.processes()
    deployment.process.send_signal(signal.SIGINT)
    assert deployment.process.wait(STOP_S + 1) == 0
    assert still_running(processes) == []


def test_no_tier_outlives_a_parent_that_was_killed() -> None:
    deployment = RunningDeployment(*ANY_PORTS, "--engine=echo")
    deployment.wait_until_ready()
    processes = deployment.processes()
    deployment.process.kill()
    wait_until(lambda: not still_running(processes), "every process ended", patience_s=10)
    deployment.stop()


@pytest.fixture(scope="module")
def expendable() -> Iterator[RunningDeployment]:
    """A deployment for what no other test should have to live with."""
    with running_deployment() as running:
        yield running


@pytest.mark.parametrize("tier", ["relay", "inference", "transceiver"])
def test_a_tier_that_was_killed_is_started_again_on_its_addresses(
    expendable: RunningDeployment, tier: str
) -> None:
    before = expendable.report(tier)
    killed = expendable.tier(tier)
    killed.kill()
    line = f"{tier} was killed by SIGKILL; starting it again"
    wait_until(lambda: any(line in logged for logged in expendable.log), line)
    wait_until(lambda: is_up_again(expendable, tier, killed.pid), f"{tier} ready again")
    after = expendable.report(tier)
    for name in ("public", "grpc", "http"):
        assert after.get(name) == before.get(name)


async def test_calls_are_taken_after_every_tier_was_started_again(
    expendable: RunningDeployment,
) -> None:
    assert await echo_delay_ms(expendable.url, expendable.api_key) < 5000


def is_up_again(deployment: RunningDeployment, tier: str, old_pid: int) -> bool:
    ready = [line for line in deployment.log if f"{tier} is ready" in line]
    return len(ready) >= 2 and deployment.tier(tier).pid != old_pid


def up(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "antiphon", "up", *ANY_PORTS, *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_port_in_use_is_one_line_and_exit_code_2(deployment: RunningDeployment) -> None:
    http = deployment.report("transceiver")["http"]
    for argv, address in (
        (f"--http={http}", http),
        (f"--relay={deployment.public}", deployment.public),
    ):
        done = up(argv)
        flag = argv.partition("=")[0]
        assert done.stderr == (
            f"antiphon up: {flag}: {address} cannot be used: {os.strerror(98)}\n"
        )
        assert (done.returncode, done.stdout) == (2, "")


def test_a_tier_that_cannot_start_is_one_line_and_exit_code_2() -> None:
    done = up("--relay=192.0.2.200:0")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_flag_is_one_line_and_exit_code_2() -> None:
    done = up("--workers=many")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("antiphon up: --workers: ")
