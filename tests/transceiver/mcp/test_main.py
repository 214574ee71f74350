"""What the process that asks MCP servers does with a worker's messages."""

import asyncio
import socket

from tests.transceiver.mcp.mcp_server import shop_server
from transceiver.mcp.__main__ import Asking, serve
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.message_stream import received
from transceiver.mcp.messages import Answered, Ask, Begin, Leave, Message, frame
from transceiver.mcp.requests import CallTool, ListTools, McpServer, ToolReturned, ToolsListed
from transceiver.mcp.server_connections import ConnectionPolicy

LOOPBACK = AllowedServers.parse("127.0.0.0/8")


async def answers(*messages: Message, wanted: int) -> list[Answered]:
    """In the order in which they come."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(serve(theirs))
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"".join(map(frame, messages)))
    found: list[Answered] = []
    async with asyncio.timeout(20):
        async for message in received(reader):
            assert isinstance(message, Answered)
            found.append(message)
            if len(found) == wanted:
                break
        writer.close()
        await serving
    return found


async def test_each_request_is_answered_by_its_number() -> None:
    async with shop_server() as shop:
        server = McpServer(shop.url)
        begin = Begin.of(LOOPBACK, 10.0)
        slow = Ask.of(1, 1, CallTool("a", server, "wait", '{"seconds":0.3}'))
        quick = Ask.of(2, 2, ListTools("a", server))
        first, second = await answers(begin, slow, quick, wanted=2)
    assert (first.number, second.number) == (2, 1)
    assert isinstance(first.outcome, ToolsListed)
    assert second.outcome == ToolReturned("a", "waited")


async def test_a_conversation_that_leaves_at_once_keeps_no_connection() -> None:
    ours, theirs = socket.socketpair()
    _reader, writer = await asyncio.open_connection(sock=theirs)
    async with shop_server() as shop:
        policy = ConnectionPolicy(LOOPBACK, 10.0)
        asking = Asking(policy, writer)
        asking.take(Ask.of(1, 7, ListTools("a", McpServer(shop.url))))
        asking.take(Leave(7))
        await asyncio.sleep(0.2)
        assert policy.open == 0
        await asking.close()
    writer.close()
    ours.close()
