"""An MCP server of the official package on loopback, and one that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from aiohttp import web
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class ShopServer:
    """What it was asked with, and where it is."""

    url: str = ""
    sse_url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def _shop(seen: ShopServer) -> MCPServer:
    shop: MCPServer = MCPServer("shop")

    @shop.tool(annotations=ToolAnnotations(read_only_hint=True))
    def look_up(what: str) -> str:
        """Says what there is of something."""
        seen.calls.append(what)
        return f"seven of {what}"

    @shop.tool()
    def fail() -> str:
        """Fails."""
        raise ToolError("out of stock")

    @shop.tool()
    def recite(length: int) -> str:
        """Says much."""
        return "x" * length

    @shop.tool()
    async def wait(seconds: float) -> str:
        """Takes its time."""
        await asyncio.sleep(seconds)
        return "waited"

    return shop


class _Recorder:
    def __init__(self, app: ASGIApp, seen: ShopServer) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self._seen.headers.append(headers)
        await self._app(scope, receive, send)


@asynccontextmanager
async def shop_server() -> AsyncIterator[ShopServer]:
    """Both of the transports of MCP over HTTP."""
    seen = ShopServer()
    async with (
        _serving(_Recorder(_shop(seen).streamable_http_app(), seen)) as streamable,
        _serving(_Recorder(_shop(seen).sse_app(), seen)) as sse,
    ):
        seen.url, seen.sse_url = f"{streamable}/mcp", f"{sse}/sse"
        yield seen


@asynccontextmanager
async def _serving(app: ASGIApp) -> AsyncIterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    server.config.load()
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    server.should_exit = True
    server.force_exit = True
    await serving


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def http_server(handler: Handler) -> AsyncIterator[str]:
    """Answers whatever it is asked by `handler`; its URL."""
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/mcp"
    await runner.cleanup()
