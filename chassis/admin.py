"""The admin port of a process: `/healthz`, `/readyz`, `/metrics` and what else it has to show.

It is for the operator's network only; the public ports never serve metrics.
"""

import socket
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest

from chassis.host_port import HostPort

ReadyCheck = Callable[[], str | None]
"""Returns None when the process can take work, else the reason why not."""


def health_routes(ready: ReadyCheck) -> list[web.RouteDef]:
    """Routes that a load balancer or the kubelet asks: alive, and able to take work."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        reason = ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def serve_admin(
    bind: HostPort | socket.socket,
    registry: CollectorRegistry,
    ready: ReadyCheck,
    routes: Iterable[web.RouteDef] = (),
) -> tuple[web.AppRunner, HostPort]:
    """Serve until the returned runner's `cleanup()`; also returns the bound address.

    `bind` is an address, or a socket that is bound to one already; `routes` are the
    process's own. Raises OSError when the address cannot be bound.
    """

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_1_0_0}
        )

    app = web.Application()
    app.add_routes([*health_routes(ready), web.get("/metrics", metrics), *routes])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _site(runner, bind).start()
    except OSError:
        await runner.cleanup()
        raise
    host, port = runner.addresses[0][:2]
    return runner, HostPort(host, port)


def _site(runner: web.AppRunner, bind: HostPort | socket.socket) -> web.BaseSite:
    if isinstance(bind, socket.socket):
        return web.SockSite(runner, bind)
    return web.TCPSite(runner, bind.host, bind.port)
