import re
import socket
import tomllib
from pathlib import Path

import pytest

from antiphon import preflight
from antiphon.preflight import Library, PreflightError, bind_problem, check_ports
from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort


def test_a_library_that_is_there_has_no_problem_and_a_version() -> None:
    assert Library("aiohttp", "aiohttp").problem() is None
    assert Library("aiohttp", "aiohttp").version()[0].isdigit()


@pytest.mark.parametrize(
    ("library", "problem"),
    [
        (Library("no_such", "no-such"), "the Python package no-such is not installed"),
        (Library("no.such", "no-such"), "the Python package no-such is not installed"),
        (
            Library("aiohttp", "aiohttp", files=("model.onnx",)),
            "the Python package aiohttp lacks model.onnx",
        ),
    ],
)
def test_a_library_that_is_not_usable_is_named(library: Library, problem: str) -> None:
    assert library.problem() == problem


def test_this_machine_can_run_the_tiers() -> None:
    assert list(preflight.machine_problems()) == []
    assert preflight.opus_library()


def test_every_library_is_one_that_make_up_installs() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["relay"], *extras["transceiver"]]
    installed = {re.split("[<=>]", line)[0] for line in wanted + extras["inference"]}
    installed.add("silero-vad")  # by the Makefile
    assert {library.distribution for library in preflight.LIBRARIES} <= installed


def test_a_missing_library_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "LIBRARIES", (Library("no_such", "no-such"),))
    with pytest.raises(PreflightError, match="no-such is not installed"):
        preflight.check_machine()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("shared", [False, True])
def test_an_address_in_use_is_seen_even_when_its_holder_would_share_it(
    kind: socket.SocketKind, shared: bool
) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        bind = HostPort(*holder.getsockname())
        assert bind_problem(bind, kind) == "cannot be used: Address already in use"
    assert bind_problem(bind, kind) is None


def test_an_address_of_another_machine_is_refused() -> None:
    problem = bind_problem(HostPort("192.0.2.7", 0), socket.SOCK_DGRAM)
    assert problem == "cannot be used: Cannot assign requested address"


def test_a_busy_port_is_told_with_its_flag() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        relay = HostPort(*holder.getsockname())
        settings = UpSettings(http=HostPort("127.0.0.1", 0), relay=relay)
        with pytest.raises(PreflightError, match=f"--relay: {relay} cannot be used"):
            check_ports(settings)
