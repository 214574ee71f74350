import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from chassis.admin import serve_admin
from chassis.host_port import HostPort

LOCAL = HostPort("127.0.0.1", 0)


async def get(bound: HostPort, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{bound}{path}") as response,
    ):
        return response.status, await response.text()


async def test_serves_health_readiness_and_metrics() -> None:
    registry = CollectorRegistry()
    Counter("example_total", "An example.", registry=registry).inc()
    reason: str | None = "draining"
    runner, bound = await serve_admin(LOCAL, registry, lambda: reason)
    try:
        assert await get(bound, "/healthz") == (200, "ok\n")
        assert await get(bound, "/readyz") == (503, "draining\n")
        reason = None
        assert await get(bound, "/readyz") == (200, "ready\n")
        status, metrics = await get(bound, "/metrics")
        assert (status, "example_total 1.0" in metrics) == (200, True)
    finally:
        await runner.cleanup()


async def test_serves_the_routes_that_a_process_brings() -> None:
    async def colour(_request: web.Request) -> web.Response:
        return web.json_response("green")

    runner, bound = await serve_admin(
        LOCAL, CollectorRegistry(), lambda: None, [web.get("/debug/colour", colour)]
    )
    try:
        assert await get(bound, "/debug/colour") == (200, '"green"')
    finally:
        await runner.cleanup()


async def test_an_address_in_use_is_an_os_error() -> None:
    runner, bound = await serve_admin(LOCAL, CollectorRegistry(), lambda: None)
    try:
        with pytest.raises(OSError, match="in use"):
            await serve_admin(bound, CollectorRegistry(), lambda: None)
    finally:
        await runner.cleanup()
