"""Having real MCP servers asked, by a process of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon_proto.realtime.mcp import HttpError
from tests.transceiver.mcp.mcp_server import shop_server
from transceiver.mcp import client as mcp_client
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.client import LOST, TOO_LONG, UNAVAILABLE, McpClient, McpRequests
from transceiver.mcp.counters import McpCounters, McpRequestKind, McpResult
from transceiver.mcp.messages import MAX_MESSAGE_BYTES
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

LOOPBACK = AllowedServers.parse("127.0.0.0/8")
PATIENCE_S = 30.0


class Asker:
    """A conversation's requester, whose outcomes are waited for."""

    def __init__(self, client: McpClient) -> None:
        self.outcomes: asyncio.Queue[McpOutcome] = asyncio.Queue()
        self.requests: McpRequests = client.open(self.outcomes.put_nowait)

    async def ask(self, request: McpRequest) -> McpOutcome:
        self.requests.run(request)
        return await self.outcome()

    async def outcome(self) -> McpOutcome:
        return await asyncio.wait_for(self.outcomes.get(), PATIENCE_S)

    async def list(self, url: str, *headers: tuple[str, str]) -> McpOutcome:
        return await self.ask(ListTools("mcpl_1", McpServer(url, headers)))


@asynccontextmanager
async def asking(
    allowed: AllowedServers = LOOPBACK, counters: McpCounters | None = None
) -> AsyncIterator[tuple[McpClient, Asker]]:
    client = McpClient(allowed, 10.0, counters or McpCounters(), flush=lambda: None)
    yield client, Asker(client)
    await client.close()


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode()


async def test_a_process_asks_for_all_conversations_until_it_is_closed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    counters = McpCounters()
    async with shop_server() as shop, asking(counters=counters) as (client, asker):
        assert client.pid is None
        secret = ("Authorization", "Bearer t0ken")
        listed = await asker.list(f"{shop.url}?key=s3cret", secret)
        assert isinstance(listed, ToolsListed)
        assert bytes(listed.tools[0].input_schema).startswith(b"{")
        pid = client.pid
        assert pid is not None
        assert "s3cret" not in command_line(pid)
        assert "t0ken" not in command_line(pid)

        other, server = Asker(client), McpServer(shop.url)
        returned = await other.ask(CallTool("c", server, "look_up", '{"what":"tea"}'))
        assert returned == ToolReturned("c", "seven of tea")
        assert isinstance(await asker.ask(CallTool("c", server, "fail", "{}")), McpFailed)
        other.requests.run(CallTool("late", server, "wait", '{"seconds":0.2}'))
        other.requests.close()
        assert isinstance(
            await asker.ask(CallTool("c", server, "wait", '{"seconds":0.4}')), ToolReturned
        )
        assert other.outcomes.empty()
        assert client.pid == pid
    assert not Path(f"/proc/{pid}").exists()
    assert counters.ended[McpRequestKind.LIST, McpResult.OK] == 1
    assert counters.ended[McpRequestKind.CALL, McpResult.TOOL_EXECUTION_ERROR] == 1
    logged = capfd.readouterr()
    for secret_text in ("s3cret", "t0ken", "tea"):
        assert secret_text not in logged.out + logged.err


async def test_a_process_that_dies_fails_its_requests_and_another_begins_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with shop_server() as shop, asking() as (client, asker):
        await asker.list(shop.url)
        first = client.pid
        assert first is not None
        asker.requests.run(CallTool("c", McpServer(shop.url), "wait", '{"seconds":30}'))
        os.kill(first, signal.SIGKILL)
        assert await asker.outcome() == McpFailed("c", LOST)

        monkeypatch.setattr(mcp_client, "RESTARTS_AFTER_S", 3600.0)
        assert await asker.list(shop.url) == McpFailed("mcpl_1", UNAVAILABLE)
        monkeypatch.setattr(mcp_client, "RESTARTS_AFTER_S", 0.0)
        assert isinstance(await asker.list(shop.url), ToolsListed)
        assert client.pid != first


async def test_a_process_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_client, "GRACE_S", -9.0)
    async with shop_server() as shop, asking() as (client, asker):
        asker.requests.run(ListTools("mcpl_1", McpServer(shop.url)))
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSTOP)
        assert await asker.outcome() == McpFailed("mcpl_1", LOST)


async def test_neither_signals_to_the_group_nor_requests_that_are_too_long_end_it() -> None:
    """Of signals the worker says what follows: it may have calls to end first."""
    async with shop_server() as shop, asking() as (client, asker):
        await asker.list(shop.url)
        pid = client.pid
        assert pid is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, number)
        long = CallTool("c", McpServer(shop.url), "look_up", "x" * MAX_MESSAGE_BYTES)
        assert await asker.ask(long) == McpFailed("c", TOO_LONG)
        assert isinstance(await asker.list(shop.url), ToolsListed)
        assert client.pid == pid


async def test_without_servers_no_process_begins() -> None:
    async with asking(AllowedServers.parse("none")) as (client, asker):
        outcome = await asker.list("https://tools.example/mcp")
        assert isinstance(outcome, McpFailed)
        assert isinstance(outcome.error, HttpError)
        assert outcome.error.code == 403
        assert client.pid is None
