from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from antiphon import address, cli
from antiphon.address import AddressSettings, wait_for_address
from antiphon.kubernetes_api import PodAccess
from antiphon.namespaced_name import NamespacedName
from chassis.host_port import HostPort
from tests.antiphon.kubernetes_pod import Handler, pod_access

RELAY = NamespacedName("voice", "antiphon-relay")


def service(**ingress: str) -> web.Response:
    listed = [ingress] if ingress else []
    return web.json_response({"status": {"loadBalancer": {"ingress": listed}}})


def refused(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def in_turn(*answers: web.Response) -> Handler:
    """The last one again and again."""
    left = list(answers)

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/namespaces/voice/services/antiphon-relay"
        given = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(body=given.body, status=given.status, content_type="application/json")

    return answer


def settings(**changes: Any) -> AddressSettings:
    return AddressSettings(**({"service": RELAY, "timeout_seconds": 30} | changes))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "POLL_S", 0.01)


async def test_waits_until_there_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = in_turn(refused(403, "forbidden"), service(), service(), service(ip="203.0.113.7"))
    async with pod_access(tmp_path, answers) as access:
        assert await wait_for_address(settings(), access) == HostPort("203.0.113.7", 3478)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "403 forbidden" in said[0]
    assert "voice/antiphon-relay has no address yet" in said[1]


async def test_resolves_the_name_of_a_cloud_that_tells_no_address(tmp_path: Path) -> None:
    async with pod_access(tmp_path, in_turn(service(hostname="localhost"))) as access:
        assert await wait_for_address(settings(port=443), access) == HostPort("127.0.0.1", 443)


async def test_waits_for_a_name_that_nobody_knows(tmp_path: Path) -> None:
    answers = in_turn(service(hostname="x" * 64 + ".invalid"), service(ip="2001:db8::7"))
    async with pod_access(tmp_path, answers) as access:
        assert await wait_for_address(settings(), access) == HostPort("2001:db8::7", 3478)


async def test_gives_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with pod_access(tmp_path, in_turn(service())) as access:
        assert await wait_for_address(settings(timeout_seconds=1), access) is None
    assert "relay.advertise" in capsys.readouterr().err


@pytest.fixture
def in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_settings: AddressSettings, _access: PodAccess) -> HostPort:
        return HostPort("203.0.113.7", 3478)

    monkeypatch.setattr(address, "wait_for_address", found)


POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.mark.usefixtures("in_a_pod")
def test_writes_a_file(tmp_path: Path) -> None:
    output = tmp_path / "advertise"
    assert address.run(["--service=voice/antiphon-relay", f"--output={output}"], POD) == 0
    assert output.read_text() == "203.0.113.7:3478\n"
    assert [path.name for path in tmp_path.iterdir()] == ["advertise"]


@pytest.mark.usefixtures("in_a_pod")
def test_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert address.run(["--service=voice/antiphon-relay"], POD) == 0
    assert capsys.readouterr().out == "203.0.113.7:3478\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--service"),
        (["--service=relay"], "NAMESPACE/NAME"),
        (["--service=voice/../secrets/x"], "NAMESPACE/NAME"),
        (["--service=voice/relay", "--family=ipv4"], "IPv4 or IPv6"),
        (["--service=voice/relay", "--port=0"], "1 to 65535"),
        (["--service=voice/relay"], "not in a pod"),
    ],
)
def test_says_what_is_wrong(
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in POD:
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["address", *arguments]) == 2
    assert complaint in capsys.readouterr().err
