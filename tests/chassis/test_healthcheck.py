import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from chassis import healthcheck
from chassis.admin import serve_admin
from chassis.host_port import HostPort


@pytest.mark.parametrize(("reason", "code"), [(None, 0), ("draining", 1)])
async def test_it_says_what_the_admin_port_says(
    reason: str | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    runner, bound = await serve_admin(HostPort("127.0.0.1", 0), CollectorRegistry(), lambda: reason)
    try:
        assert await asyncio.to_thread(healthcheck.main, [str(bound.port)]) == code
    finally:
        await runner.cleanup()
    assert capsys.readouterr().out == f"{reason or 'ready'}\n"


def test_nobody_there_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert healthcheck.main([str(port)]) == 1
    assert "no answer" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["relay"], ["1", "2"], ["-1"]])
def test_anything_but_a_port_is_a_usage_error(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert healthcheck.main(argv) == 2
    assert "usage" in capsys.readouterr().err
