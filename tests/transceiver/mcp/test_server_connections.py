"""Asking real MCP servers, and servers that are none."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from antiphon_proto.realtime.mcp import HttpError, McpError, ProtocolError, ToolExecutionError
from tests.transceiver.mcp.mcp_server import http_server, shop_server
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.guarded_http import MAX_RESPONSE_BYTES
from transceiver.mcp.requests import (
    CallTool,
    ListTools,
    McpFailed,
    McpOutcome,
    McpRequest,
    McpServer,
    ToolReturned,
    ToolsListed,
)
from transceiver.mcp.server_connections import ConnectionPolicy, ServerConnections
from transceiver.mcp.tool_results import MAX_OUTPUT_BYTES

LOOPBACK = AllowedServers.parse("127.0.0.0/8")
PATIENCE_S = 20.0


class Asker:
    """A conversation."""

    def __init__(self, connections: ServerConnections) -> None:
        self._connections = connections

    async def ask(self, request: McpRequest) -> McpOutcome:
        return await asyncio.wait_for(self._connections.ask(request), PATIENCE_S)

    async def list(self, url: str, *headers: tuple[str, str]) -> McpOutcome:
        return await self.ask(ListTools("mcpl_1", McpServer(url, headers)))

    async def call(self, url: str, name: str, arguments: str) -> McpOutcome:
        return await self.ask(CallTool("mcp_1", McpServer(url), name, arguments))

    async def error(self, url: str) -> McpError:
        """Of a listing, which fails."""
        outcome = await self.list(url)
        assert isinstance(outcome, McpFailed), outcome
        return outcome.error


@asynccontextmanager
async def asking(
    allowed: AllowedServers = LOOPBACK, timeout_s: float = 10.0
) -> AsyncIterator[Asker]:
    connections = ServerConnections(ConnectionPolicy(allowed, timeout_s))
    yield Asker(connections)
    await connections.close()


@pytest.mark.parametrize("transport", ["streamable", "sse"])
async def test_the_tools_of_a_server_are_listed_and_called(transport: str) -> None:
    async with shop_server() as shop, asking() as asker:
        url = shop.url if transport == "streamable" else shop.sse_url
        listed = await asker.list(url)
        assert isinstance(listed, ToolsListed)
        look_up = listed.tools[0]
        assert (look_up.name, look_up.description) == (
            "look_up",
            "Says what there is of something.",
        )
        assert json.loads(bytes(look_up.input_schema))["required"] == ["what"]
        assert json.loads(bytes(look_up.annotations))["readOnlyHint"] is True  # type: ignore[arg-type]
        returned = await asker.call(url, "look_up", '{"what":"tea"}')
        assert isinstance(returned, ToolReturned)
        assert returned.output == "seven of tea"
        assert shop.calls == ["tea"]


async def test_a_server_is_sent_its_headers_with_every_request() -> None:
    async with shop_server() as shop, asking() as asker:
        await asker.list(shop.url, ("Authorization", "Bearer s3cret"), ("X-Key", "k3y"))
        assert shop.headers
        for headers in shop.headers:
            assert (headers["authorization"], headers["x-key"]) == ("Bearer s3cret", "k3y")
            assert headers["accept-encoding"] == "identity"


async def test_calls_share_a_session_and_run_at_once() -> None:
    async with shop_server() as shop, asking() as asker:
        await asker.list(shop.url)
        before = len(shop.headers)
        slow = asyncio.create_task(asker.call(shop.url, "wait", '{"seconds":0.3}'))
        assert isinstance(await asker.call(shop.url, "wait", '{"seconds":0}'), ToolReturned)
        assert not slow.done()
        assert isinstance(await slow, ToolReturned)
        assert len(shop.headers) == before + 2


async def test_a_call_that_takes_too_long_takes_no_other_with_it() -> None:
    async with shop_server() as shop, asking(timeout_s=2.0) as asker:
        await asker.list(shop.url)
        late = asyncio.create_task(asker.call(shop.url, "wait", '{"seconds":30}'))
        await asyncio.sleep(1.0)
        other = asyncio.create_task(asker.call(shop.url, "wait", '{"seconds":1.5}'))
        assert isinstance(await late, McpFailed)
        assert isinstance(await other, ToolReturned)


async def test_a_server_that_never_lets_in_is_not_waited_for() -> None:
    async def think(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with http_server(think) as url, asking(timeout_s=0.3) as asker:
        before = asyncio.all_tasks()
        assert isinstance(await asker.error(url), HttpError)
        await asyncio.sleep(0.2)
        left = {task for task in asyncio.all_tasks() - before if "_hold" in repr(task)}
        assert not left


async def test_what_tools_do_wrong_is_theirs() -> None:
    async with shop_server() as shop, asking() as asker:
        for name, arguments, words in (
            ("fail", "{}", "out of stock"),
            ("recite", f'{{"length":{MAX_OUTPUT_BYTES + 1}}}', "more than"),
            ("look_up", "{", "no JSON object"),
            ("look_up", "[" * 100_000, "no JSON object"),
        ):
            outcome = await asker.call(shop.url, name, arguments)
            assert isinstance(outcome, McpFailed)
            assert isinstance(outcome.error, ToolExecutionError)
            assert words in outcome.error.message
        whole = await asker.call(shop.url, "recite", f'{{"length":{MAX_OUTPUT_BYTES}}}')
        assert isinstance(whole, ToolReturned)


async def test_a_server_that_takes_too_long_is_given_up_and_can_be_asked_again() -> None:
    async with shop_server() as shop, asking(timeout_s=2.0) as asker:
        await asker.list(shop.url)
        outcome = await asker.call(shop.url, "wait", '{"seconds":30}')
        assert isinstance(outcome, McpFailed)
        assert outcome.error == HttpError(code=504, message="The server did not answer in time.")
        assert isinstance(await asker.call(shop.url, "wait", '{"seconds":0}'), ToolReturned)


# ---- servers that are none ---------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_status_says_what_is_wrong(status: int) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="secret details")

    async with http_server(refuse) as url, asking() as asker:
        error = await asker.error(url)
        assert error == HttpError(code=status, message=f"The server answered with status {status}.")


async def test_an_error_of_json_rpc_is_passed_on() -> None:
    async def refuse(request: web.Request) -> web.Response:
        body = await request.json()
        error = {"code": -32001, "message": "Not today"}
        return web.json_response({"jsonrpc": "2.0", "id": body.get("id"), "error": error})

    async with http_server(refuse) as url, asking() as asker:
        assert await asker.error(url) == ProtocolError(code=-32001, message="Not today")


async def test_a_redirect_to_another_server_is_not_followed() -> None:
    reached = []

    async def elsewhere(_request: web.Request) -> web.Response:
        reached.append("")
        return web.Response()

    async with http_server(elsewhere) as there:

        async def redirect(_request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": there})

        async with http_server(redirect) as url, asking() as asker:
            await asker.error(url)
    assert not reached


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
async def test_an_answer_without_end_is_not_read(content_type: str) -> None:
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        while sent < 40 * MAX_RESPONSE_BYTES:
            await response.write(b": x" * 100_000)
            sent += 300_000
        return response

    async with http_server(flood) as url, asking() as asker:
        await asker.error(url)
    assert sent < 40 * MAX_RESPONSE_BYTES


async def test_a_packed_answer_is_not_unpacked() -> None:
    async def packed(_request: web.Request) -> web.Response:
        body = gzip.compress(bytes(50_000_000))
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=body, headers=headers)

    async with http_server(packed) as url, asking() as asker:
        assert isinstance(await asker.error(url), HttpError)


@pytest.mark.parametrize("body", ["", "{}", "[]", "nonsense", '{"jsonrpc":"2.0","id":0}'])
async def test_an_answer_that_is_no_mcp_fails(body: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with http_server(answer) as url, asking(timeout_s=3.0) as asker:
        assert isinstance(await asker.error(url), HttpError | ProtocolError)


# ---- what is not asked -------------------------------------------------------


@pytest.mark.parametrize("allowed", ["*", "other.example", "10.0.0.0/8"])
async def test_a_private_address_is_not_reached_unless_it_is_allowed(allowed: str) -> None:
    reached = []

    async def note(_request: web.Request) -> web.Response:
        reached.append("")
        return web.Response()

    async with http_server(note) as url, asking(AllowedServers.parse(allowed)) as asker:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"):
            error = await asker.error(url.replace("127.0.0.1", host))
            assert isinstance(error, HttpError)
            assert error.code in (403, 502)
    assert not reached


async def test_a_host_that_is_named_may_be_anywhere() -> None:
    async with shop_server() as shop, asking(AllowedServers.parse("localhost")) as asker:
        error = await asker.error(shop.url)
        assert error == HttpError(code=403, message="--mcp-servers does not allow this server.")
