"""Remote MCP tools through all tiers, as OpenAI's own client for Python uses them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.test_websocket import Session, session
from tests.e2e.tier_process import Replica, Transceiver
from tests.inference.engines.cascade.brain.chat_server import (
    ChatServer,
    Step,
    call,
    chat_server,
    finish,
    text,
)
from tests.transceiver.mcp.mcp_server import shop_server

TEXT = {"type": "realtime", "output_modalities": ["text"]}


def answer(request: dict[str, Any]) -> list[Step]:
    """Asks the shop, and says what it said."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return [text(f"There are {last['content']}."), finish("stop")]
    if not request.get("tools"):
        return [text("I have no tools."), finish("stop")]
    asked = {"name": request["tools"][0]["function"]["name"], "arguments": '{"what": "tea"}'}
    return [call(0, id="call_1", type="function", function=asked), finish("tool_calls")]


@asynccontextmanager
async def shopping(
    deployment: RunningDeployment, *flags: str
) -> AsyncIterator[tuple[ChatServer, Transceiver]]:
    async with chat_server() as server:
        server.choose = answer
        replica = Replica(deployment, f"--llm-url={server.url}", "--llm-model=m")
        transceiver = await asyncio.to_thread(
            lambda: Transceiver(deployment, f"--inference={replica.address}", *flags)
        )
        try:
            yield server, transceiver
        finally:
            transceiver.end()
            replica.end()


async def item_done(caller: Session, type_: str) -> Any:
    while True:
        event = await caller.event("conversation.item.done")
        if event.item.type == type_:
            return event.item


async def test_a_tool_is_listed_approved_called_and_its_result_said(
    deployment: RunningDeployment,
) -> None:
    async with (
        shop_server() as shop,
        shopping(deployment, "--mcp-servers=127.0.0.0/8") as (server, transceiver),
    ):
        tool = {
            "type": "mcp",
            "server_label": "shop",
            "server_url": shop.url,
            "authorization": "s3cret",
            "allowed_tools": ["look_up"],
            "require_approval": "always",
        }
        config = {**TEXT, "tools": [tool]}
        async with session(transceiver.url, transceiver.api_key, config) as caller:
            listed = await item_done(caller, "mcp_list_tools")
            assert [each.name for each in listed.tools] == ["look_up"]

            await caller.write("How much tea is there?")
            demanded = {"type": "mcp", "server_label": "shop", "name": "look_up"}
            await caller.connection.response.create(response={"tool_choice": demanded})
            arguments = await caller.event("response.mcp_call_arguments.done")
            request = await item_done(caller, "mcp_approval_request")
            assert json.loads(request.arguments) == {"what": "tea"}
            assert shop.calls == []
            await caller.connection.conversation.item.create(
                item={
                    "type": "mcp_approval_response",
                    "id": "approval_1",
                    "approval_request_id": request.id,
                    "approve": True,
                }
            )
            done = await item_done(caller, "mcp_call")
            assert (done.id, done.output) == (arguments.item_id, "seven of tea")
            assert done.approval_request_id == request.id
            assert shop.calls == ["tea"]
            assert {
                "response.mcp_call.in_progress",
                "response.mcp_call.completed",
            } <= caller.types()

            await caller.connection.response.create(response={"tool_choice": "none"})
            answered = await caller.event("response.done")
            while not any(each.type == "message" for each in answered.response.output):
                answered = await caller.event("response.done")
            assert answered.response.output[0].content[0].text == "There are seven of tea."
            shown = "".join(event.model_dump_json() for event in caller.events)
            assert "s3cret" not in shown
        assert {headers["authorization"] for headers in shop.headers} == {"Bearer s3cret"}
        assert "shop__look_up" in str(server.requests[0]["tools"])
        assert "s3cret" not in str(server.requests)
        counted = transceiver.metrics()
        assert counted['antiphon_transceiver_mcp_requests_total{kind="call",result="ok"}'] == 1


async def test_a_private_server_is_not_asked_unless_the_operator_allows_it(
    deployment: RunningDeployment,
) -> None:
    async with shop_server() as shop:
        tool = {"type": "mcp", "server_label": "shop", "server_url": shop.url}
        async with session(deployment.url, deployment.api_key, {**TEXT, "tools": [tool]}) as caller:
            listed = await item_done(caller, "mcp_list_tools")
            assert listed.tools == []
            assert listed.model_dump()["error"]["code"] == 403
            await caller.answers()
        assert shop.headers == []
