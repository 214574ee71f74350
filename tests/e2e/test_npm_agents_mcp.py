"""Remote MCP tools, as OpenAI's agents for JavaScript use them: they ask for the answer to a call
by themselves, as soon as it is done."""

import asyncio
import json
from typing import Any

from tests.e2e.npm_project import NODE, NPM_PROJECT, needs_npm
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.test_mcp import shopping
from tests.e2e.tier_process import Transceiver
from tests.transceiver.mcp.mcp_server import shop_server

pytestmark = needs_npm


async def seen_by_agents(transceiver: Transceiver, server_url: str, approval: str) -> Any:
    node = await asyncio.create_subprocess_exec(
        NODE,
        NPM_PROJECT / "agents_mcp.mjs",
        f"{transceiver.url.replace('http', 'ws', 1)}/v1/realtime?model=cascade",
        transceiver.api_key,
        server_url,
        approval,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await node.communicate()
    assert node.returncode == 0, complaints.decode()
    return json.loads(printed)


async def test_a_tool_is_called_and_answered_once(deployment: RunningDeployment) -> None:
    async with (
        asyncio.timeout(60),
        shop_server() as shop,
        shopping(deployment, "--mcp-servers=127.0.0.0/8") as (_server, transceiver),
    ):
        for approval in ("never", "always"):
            assert await seen_by_agents(transceiver, shop.url, approval) == {
                "tools": ["look_up"],
                "answer": "There are seven of tea.",
                "responses": 2,
                "called": [["completed", "seven of tea"]],
                "errors": ["item_retrieve_invalid_item_id"],
            }
        assert shop.calls == ["tea", "tea"]
