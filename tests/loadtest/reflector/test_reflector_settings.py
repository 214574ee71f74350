"""A reflector that cannot be started says why in one line; its API refuses what it cannot read."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from loadtest.reflected_session import MAX_BATCH
from loadtest.reflector.session_api import session_api
from loadtest.reflector.session_table import NoSessionsLeftError


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ((), "--cluster-keys"),
        (("--cluster-keys=/nowhere", "--public=127.0.0.1:3478"), "--cluster-keys"),
        (("--cluster-keys=x", "--public=0.0.0.0:3478"), "--public"),
        (("--cluster-keys=x", "--public=127.0.0.1:1", "--relays=here"), "--relays"),
        (("--sessions=1",), "--sessions"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(flags: tuple[str, ...], named: str) -> None:
    command = [sys.executable, "-m", "loadtest.reflector", *flags]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    [line] = run.stderr.splitlines()
    assert named in line


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sessions", b"", 400),
        ("/sessions", b'{"count": 0}', 400),
        ("/sessions", b'{"count": %d}' % (MAX_BATCH + 1), 400),
        ("/sessions", b'{"count": "\xff"}', 400),
        ("/sessions", b'{"count": 1}', 503),
        ("/sessions/end", b'{"numbers": ["a"]}', 400),
        ("/sessions/end", b'{"numbers": [1, -1]}', 200),
        ("/nothing", b"", 404),
    ],
)
def test_the_api_refuses_what_it_cannot_read(path: str, body: bytes, status: int) -> None:
    assert asyncio.run(_posted(path, body)) == status


async def _posted(path: str, body: bytes) -> int:
    def grant(count: int) -> list[object]:
        raise NoSessionsLeftError(f"no {count}")

    api: web.Application = session_api(("127.0.0.1", 1), grant, lambda _number: False, dict)  # type: ignore[arg-type]
    async with TestClient(TestServer(api)) as client:
        response = await client.post(path, data=body)
        return response.status


def test_nothing_of_a_key_file_is_shown(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text("0 ipv4 secretsecret\n")
    command = [sys.executable, "-m", "loadtest.reflector", f"--cluster-keys={keys}"]
    run = subprocess.run(
        [*command, "--public=127.0.0.1:3478"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "secretsecret" not in run.stderr
