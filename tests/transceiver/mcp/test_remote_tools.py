"""What a conversation does with remote tools, as its client and its engine see it."""

import json
from typing import Any

import msgspec
import pytest

from antiphon_proto import trunk as engine
from antiphon_proto.realtime.mcp import HttpError, ListedTool, ToolExecutionError
from antiphon_proto.trunk import DoneStatus, FunctionCall, FunctionCallOutput
from tests.transceiver.conversation_driver import Driver
from transceiver.mcp.requests import CallTool, ListTools, McpFailed, ToolReturned, ToolsListed
from transceiver.mcp.tool_calls import MAX_RUNNING

URL = "https://tools.example/mcp"
SCHEMA = msgspec.Raw(b'{"type":"object"}')
READS = msgspec.Raw(b'{"readOnlyHint":true}')
LOOK_UP = ListedTool(name="look.up", description="Finds", input_schema=SCHEMA, annotations=READS)
ORDER = ListedTool(name="order", description="Buys", input_schema=SCHEMA)


def server(label: str = "shop", **members: Any) -> dict[str, Any]:
    return {
        "type": "mcp",
        "server_label": label,
        "server_url": URL,
        "require_approval": "never",
        **members,
    }


def session(*tools: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"tools": list(tools), **members}


def listed(driver: Driver, *tools: ListedTool) -> None:
    """The server that was asked last lists its tools."""
    request = driver.mcp_requests[-1]
    assert isinstance(request, ListTools)
    driver.mcp(ToolsListed(request.item_id, tools))


def shop(**members: Any) -> Driver:
    """A conversation with the tools of one server."""
    driver = Driver(session(server(**members)))
    listed(driver, LOOK_UP, ORDER)
    return driver


def offered(driver: Driver) -> list[str]:
    """The tools that the engine was told of last."""
    return [tool.name for tool in driver.sent(engine.Update)[-1].config.tools]


def model_calls(driver: Driver, name: str, call_id: str = "call_9", arguments: str = "{}") -> None:
    """In a response, which the model ends then."""
    driver.client("response.create")
    number = driver.sent(engine.Respond)[-1].response
    driver.engine(
        engine.ToolCall(number, FunctionCall(call_id, name, arguments)),
        engine.Done(number, DoneStatus.COMPLETED),
    )


def request(driver: Driver) -> CallTool:
    """The last, which is a call."""
    last = driver.mcp_requests[-1]
    assert isinstance(last, CallTool)
    return last


# ---- listing -----------------------------------------------------------------


def test_a_servers_tools_are_listed_and_offered() -> None:
    driver = Driver(session(server(authorization="s3cret", headers={"X-Key": "k3y"})))
    asked = driver.mcp_requests[-1]
    assert isinstance(asked, ListTools)
    assert asked.server.url == URL
    assert dict(asked.server.headers) == {"X-Key": "k3y", "Authorization": "Bearer s3cret"}
    mark = driver.mark()
    listed(driver, LOOK_UP, ORDER)
    assert driver.types() == [
        "session.created",
        "conversation.created",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "conversation.item.done",
    ]
    item = driver.last("conversation.item.done")["item"]
    assert (item["type"], item["server_label"]) == ("mcp_list_tools", "shop")
    assert item["tools"][0] == {
        "name": "look.up",
        "description": "Finds",
        "input_schema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    }
    update = driver.sent(engine.Update, mark)[-1].config
    assert [(tool.name, tool.description) for tool in update.tools] == [
        ("shop__look_up", "Finds"),
        ("shop__order", "Buys"),
    ]


def test_secrets_are_never_shown_nor_printed() -> None:
    driver = Driver(session(server(authorization="s3cret", headers={"X-Key": "k3y"})))
    driver.client("session.update", session={"type": "realtime", "instructions": "x"})
    listed(driver, LOOK_UP)
    shown = json.dumps(driver.events) + repr(driver.mcp_requests) + repr(driver.commands)
    assert "s3cret" not in shown
    assert "k3y" not in shown
    tool = driver.last("session.updated")["session"]["tools"][0]
    assert tool["server_url"] == URL
    assert not {"authorization", "headers"} & tool.keys()


def test_what_is_known_is_not_listed_again() -> None:
    driver = shop(authorization="s3cret")
    whole = server(authorization="s3cret")
    for tools in ([whole], [server()], [{"type": "mcp", "server_label": "shop"}], [], [whole]):
        driver.client("session.update", session={"type": "realtime", "tools": tools})
        assert len(driver.mcp_requests) == 1
    assert offered(driver) == ["shop__look_up", "shop__order"]


@pytest.mark.parametrize(
    "change",
    [{"server_url": URL + "/2"}, {"authorization": "other"}, {"allowed_tools": ["order"]}],
)
def test_what_has_changed_is_listed_again(change: dict[str, Any]) -> None:
    driver = shop()
    driver.client("session.update", session=session(server(**change), type="realtime"))
    assert len(driver.mcp_requests) == 2


def test_secrets_do_not_go_to_another_server() -> None:
    driver = shop(authorization="s3cret")
    elsewhere = server(server_url="https://elsewhere.example")
    driver.client("session.update", session=session(elsewhere, type="realtime"))
    assert driver.mcp_requests[-1].server.headers == ()


def test_a_listing_that_fails_says_why_and_is_tried_when_the_client_names_the_server_again() -> (
    None
):
    driver = Driver(session(server()))
    error = HttpError(code=401, message="The server answered with status 401.")
    driver.mcp(McpFailed(driver.mcp_requests[-1].item_id, error))
    assert driver.types()[-2:] == ["mcp_list_tools.failed", "conversation.item.done"]
    item = driver.last("conversation.item.done")["item"]
    assert item["error"] == {"type": "http_error", "code": 401, "message": error.message}
    assert item["tools"] == []
    driver.client("session.update", session=session(server(), type="realtime"))
    listed(driver, ORDER)
    assert offered(driver) == ["shop__order"]


def test_a_listing_that_another_one_replaces_ends_before_it() -> None:
    driver = Driver(session(server()))
    first = driver.mcp_requests[-1].item_id
    driver.client("session.update", session=session(server(server_url=URL + "/2"), type="realtime"))
    assert driver.types()[-4:] == [
        "mcp_list_tools.failed",
        "conversation.item.done",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
    ]
    mark = driver.mark()
    driver.mcp(ToolsListed(first, (ORDER,)))
    assert driver.types(mark) == []


def test_only_the_tools_that_are_allowed_are_shown_and_offered() -> None:
    for allowed in (["order"], {"tool_names": ["order"]}, {"read_only": False}):
        driver = shop(allowed_tools=allowed)
        assert offered(driver) == ["shop__order"]
        assert [t["name"] for t in driver.last("conversation.item.done")["item"]["tools"]] == [
            "order"
        ]


def test_tools_of_several_servers_and_functions_have_names_of_their_own() -> None:
    function = {"type": "function", "name": "shop__order", "parameters": {}}
    driver = Driver(session(server("shop"), server("sho.p"), server("sho_p"), function))
    for asked in list(driver.mcp_requests):
        driver.mcp(ToolsListed(asked.item_id, (ORDER,)))
    assert offered(driver) == ["shop__order", "sho_p__order", "sho_p__order_2"]
    model_calls(driver, "shop__order")
    assert driver.last("response.output_item.done")["item"]["type"] == "function_call"
    model_calls(driver, "sho_p__order_2", "call_10")
    assert driver.last("response.output_item.added")["item"]["server_label"] == "sho_p"


def test_a_list_that_is_too_long_is_refused_and_may_be_narrowed() -> None:
    driver = Driver(session(server()))
    long = [ListedTool(name=f"t{i}", description="x" * 1000) for i in range(200)]
    listed(driver, *long)
    assert "bytes" in driver.last("conversation.item.done")["item"]["error"]["message"]
    driver.client("session.update", session=session(server(allowed_tools=["t7"]), type="realtime"))
    listed(driver, *long)
    assert offered(driver) == ["shop__t7"]


# ---- what is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("tools", "code", "param"),
    [
        ([server(), server()], "invalid_value", "session.tools[1].server_label"),
        (
            [{"type": "mcp", "server_label": "new"}],
            "missing_required_parameter",
            "session.tools[0].server_url",
        ),
        ([server(server_url="ftp://x")], "invalid_value", "session.tools[0].server_url"),
        ([server(server_url="https://u:p@x")], "invalid_value", "session.tools[0].server_url"),
        ([server(server_url="https://x:99999")], "invalid_value", "session.tools[0].server_url"),
        ([server(headers={"Host": "x"})], "invalid_value", "session.tools[0].headers"),
        ([server(headers={"X": "a\r\nHost: x"})], "invalid_value", "session.tools[0].headers"),
        ([server(headers={"X": "a" * 9000})], "invalid_value", "session.tools[0].headers"),
        (
            [server(authorization="a", headers={"authorization": "b"})],
            "invalid_value",
            "session.tools[0].headers",
        ),
        (
            [{"type": "mcp", "server_label": "x", "connector_id": "connector_gmail"}],
            "unsupported_value",
            "session.tools[0].connector_id",
        ),
        (
            [server(allowed_callers=["programmatic"])],
            "unsupported_value",
            "session.tools[0].allowed_callers",
        ),
        ([server("a b")], "invalid_value", "session.tools[0].server_label"),
        ([server(require_approval="maybe")], "invalid_value", "session.tools[0].require_approval"),
        ([server(f"s{i}") for i in range(17)], "invalid_value", "session.tools"),
    ],
)
def test_a_definition_that_is_refused_changes_nothing(
    tools: list[dict[str, Any]], code: str, param: str
) -> None:
    driver = shop()
    driver.client("session.update", event_id="mine", session={"type": "realtime", "tools": tools})
    error = driver.error()
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    assert len(driver.mcp_requests) == 1
    model_calls(driver, "shop__order")
    assert request(driver).name == "order"


# ---- calling -----------------------------------------------------------------


def test_a_call_runs_and_its_result_goes_to_the_engine() -> None:
    driver = shop()
    mark = driver.mark()
    model_calls(driver, "shop__look_up", arguments='{"what":"tea"}')
    asked = request(driver)
    assert (asked.name, asked.arguments_json, asked.server.url) == (
        "look.up",
        '{"what":"tea"}',
        URL,
    )
    driver.mcp(ToolReturned(asked.item_id, "green"))
    assert driver.types(mark) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.done",
        "response.mcp_call.completed",
        "response.output_item.done",
        "conversation.item.done",
    ]
    done = driver.last("response.done")["response"]
    assert (done["status"], done["output"][0]["output"]) == ("completed", None)
    assert done["output"][0]["arguments"] == '{"what":"tea"}'
    item = driver.last("conversation.item.done")["item"]
    assert (item["name"], item["output"], item["error"]) == ("look.up", "green", None)
    assert driver.item(item["id"]) == item
    told = driver.sent(engine.ItemCreate, mark)[-1].item
    assert told.content == FunctionCallOutput("call_9", "green")
    # The answer is the client's to ask for, as at OpenAI.
    assert len(driver.sent(engine.Respond, mark)) == 1


def test_a_result_that_comes_first_is_in_the_response() -> None:
    driver = shop()
    driver.client("response.create")
    number = driver.sent(engine.Respond)[-1].response
    driver.engine(engine.ToolCall(number, FunctionCall("c", "shop__order", "{}")))
    driver.mcp(ToolReturned(request(driver).item_id, "done"))
    driver.engine(engine.Done(number, DoneStatus.COMPLETED))
    assert driver.last("response.done")["response"]["output"][0]["output"] == "done"


def test_a_call_that_fails_is_told_to_client_and_engine() -> None:
    driver = shop()
    model_calls(driver, "shop__order")
    mark = driver.mark()
    error = HttpError(code=504, message="The server did not answer in time.")
    driver.mcp(McpFailed(request(driver).item_id, error))
    assert driver.types(mark) == [
        "response.mcp_call.failed",
        "response.output_item.done",
        "conversation.item.done",
    ]
    item = driver.last("conversation.item.done")["item"]
    assert item["error"] == {"type": "http_error", "code": 504, "message": error.message}
    told = driver.sent(engine.ItemCreate, mark)[-1].item.content
    assert isinstance(told, FunctionCallOutput)
    assert told.output == f"Error 504: {error.message}"


def test_a_barge_in_ends_the_response_and_not_the_call() -> None:
    driver = shop()
    driver.client("response.create")
    number = driver.sent(engine.Respond)[-1].response
    driver.engine(engine.ToolCall(number, FunctionCall("c", "shop__order", "{}")))
    driver.user_turn()
    assert driver.last("response.done")["response"]["status"] == "cancelled"
    mark = driver.mark()
    driver.mcp(ToolReturned(request(driver).item_id, "done"))
    assert driver.types(mark)[0] == "response.mcp_call.completed"
    assert driver.sent(engine.ItemCreate, mark)


def test_of_a_call_whose_item_is_deleted_the_engine_hears_nothing() -> None:
    driver = shop()
    model_calls(driver, "shop__order")
    mark = driver.mark()
    item_id = request(driver).item_id
    driver.client("conversation.item.delete", item_id=item_id)
    assert [c.item_id for c in driver.sent(engine.ItemDelete, mark)] == ["call_9", item_id]
    driver.mcp(ToolReturned(item_id, "done"))
    assert driver.sent(engine.ItemCreate, mark) == []


def test_so_many_calls_run_at_once_and_others_fail() -> None:
    driver = shop()
    for number in range(MAX_RUNNING + 1):
        model_calls(driver, "shop__order", f"c{number}")
    assert len(driver.mcp_requests) == 1 + MAX_RUNNING
    error = driver.last("conversation.item.done")["item"]["error"]
    assert error["type"] == "tool_execution_error"


def test_an_engine_that_takes_over_knows_calls_and_results() -> None:
    driver = shop()
    model_calls(driver, "shop__look_up")
    driver.mcp(ToolReturned(request(driver).item_id, "green"))
    model_calls(driver, "shop__order", "call_10")
    history = driver.conversation.engine_opening().history
    assert [item.content for item in history] == [
        FunctionCall("call_9", "shop__look_up", "{}"),
        FunctionCallOutput("call_9", "green"),
        FunctionCall("call_10", "shop__order", "{}"),
    ]


# ---- approval ----------------------------------------------------------------


def ask_for_approval(**members: Any) -> tuple[Driver, dict[str, Any]]:
    driver = shop(require_approval="always", **members)
    model_calls(driver, "shop__order", arguments='{"n":1}')
    item: dict[str, Any] = driver.last("conversation.item.done")["item"]
    assert item["type"] == "mcp_approval_request"
    return driver, item


def answer(driver: Driver, item: dict[str, Any], **members: Any) -> None:
    """As OpenAI's agents for JavaScript do."""
    response = {"type": "mcp_approval_response", "approval_request_id": item["id"], **members}
    driver.client("conversation.item.create", previous_item_id=item["id"], item=response)


def test_a_call_that_is_approved_runs() -> None:
    driver, item = ask_for_approval()
    assert (item["server_label"], item["name"], item["arguments"]) == ("shop", "order", '{"n":1}')
    assert len(driver.mcp_requests) == 1
    mark = driver.mark()
    answer(driver, item, approve=True)
    assert driver.types(mark) == [
        "conversation.item.added",
        "conversation.item.done",
        "response.mcp_call.in_progress",
    ]
    driver.mcp(ToolReturned(request(driver).item_id, "done"))
    done = driver.last("conversation.item.done")["item"]
    assert (done["output"], done["approval_request_id"]) == ("done", item["id"])


def test_a_call_that_is_not_approved_fails_and_the_engine_knows_why() -> None:
    driver, item = ask_for_approval()
    mark = driver.mark()
    answer(driver, item, approve=False, reason="too dear")
    assert driver.types(mark)[2:] == [
        "response.mcp_call.failed",
        "response.output_item.done",
        "conversation.item.done",
    ]
    assert len(driver.mcp_requests) == 1
    told = driver.sent(engine.ItemCreate, mark)[-1].item.content
    assert isinstance(told, FunctionCallOutput)
    assert "too dear" in told.output


def test_a_request_is_answered_once() -> None:
    driver, item = ask_for_approval()
    answer(driver, item, approve=True)
    answer(driver, item, approve=True)
    assert driver.error()["param"] == "item.approval_request_id"
    assert len(driver.mcp_requests) == 2


def test_an_answer_that_cannot_be_inserted_decides_nothing() -> None:
    driver, item = ask_for_approval()
    response = {"type": "mcp_approval_response", "approval_request_id": item["id"], "approve": True}
    driver.client("conversation.item.create", previous_item_id="item_99", item=response)
    assert driver.error()["param"] == "previous_item_id"
    answer(driver, item, approve=True)
    assert request(driver).name == "order"


@pytest.mark.parametrize(
    ("rule", "asks"),
    [
        (None, {"look.up", "order"}),
        ("never", set()),
        ({"never": {"tool_names": ["look.up"]}}, {"order"}),
        ({"never": {"read_only": True}}, {"order"}),
        ({"always": {"tool_names": ["order"]}}, {"order"}),
        (
            {"always": {"tool_names": ["order"]}, "never": {"tool_names": ["order"]}},
            {"look.up", "order"},
        ),
        ({}, {"look.up", "order"}),
    ],
)
def test_which_tools_need_approval(rule: Any, asks: set[str]) -> None:
    driver = shop(require_approval=rule)
    for number, name in enumerate(("shop__look_up", "shop__order")):
        model_calls(driver, name, f"c{number}")
    waiting = [
        e["item"]["name"]
        for e in driver.events
        if "approval_request" in str(e.get("item"))
        and e["type"] == "conversation.item.done"
        and e["item"]["type"] == "mcp_approval_request"
    ]
    assert set(waiting) == asks


@pytest.mark.parametrize("type_", ["mcp_list_tools", "mcp_approval_request"])
def test_items_that_only_the_server_makes_are_refused(type_: str) -> None:
    driver = shop()
    item = {"type": type_, "server_label": "shop", "name": "x", "arguments": "{}", "tools": []}
    driver.client("conversation.item.create", item=item)
    assert driver.error()["param"] == "item.type"


def test_a_call_of_another_conversation_can_be_told() -> None:
    driver = shop()
    mark = driver.mark()
    call = {
        "type": "mcp_call",
        "server_label": "shop",
        "name": "order",
        "arguments": "{}",
        "output": "done",
        "id": "mcp_7",
    }
    driver.client("conversation.item.create", item=call)
    assert [c.item.content for c in driver.sent(engine.ItemCreate, mark)] == [
        FunctionCall("7", "shop__order", "{}"),
        FunctionCallOutput("7", "done"),
    ]


# ---- for one response --------------------------------------------------------


def test_a_response_waits_for_the_servers_that_it_names_itself() -> None:
    driver = Driver()
    driver.client("response.create", response={"tools": [server()]})
    assert driver.sent(engine.Respond) == []
    listed(driver, ORDER)
    config = driver.sent(engine.Respond)[-1].config
    assert config is not None
    assert [tool.name for tool in config.tools] == ["shop__order"]
    assert offered(driver) == []
    driver.engine(engine.Done(1, DoneStatus.COMPLETED))
    driver.client("response.create", response={"tools": [{"type": "mcp", "server_label": "shop"}]})
    assert len(driver.sent(engine.Respond)) == 2


def test_a_response_is_made_without_tools_that_could_not_be_listed() -> None:
    driver = Driver()
    driver.client("response.create", response={"tools": [server()]})
    error = ToolExecutionError(message="no")
    driver.mcp(McpFailed(driver.mcp_requests[-1].item_id, error))
    assert len(driver.sent(engine.Respond)) == 1
    assert len(driver.mcp_requests) == 1


def test_a_response_that_can_no_longer_be_made_is_refused_then() -> None:
    driver = Driver()
    driver.client("response.create", event_id="first", response={"tools": [server()]})
    driver.client("response.create")
    listed(driver, ORDER)
    error = driver.error()
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "first"


def test_a_label_stays_one_server_in_a_response() -> None:
    driver = shop()
    driver.client(
        "response.create", response={"tools": [server(server_url="https://elsewhere.example")]}
    )
    assert driver.error()["param"] == "response.tools[0].server_label"


def test_a_remote_tool_can_be_demanded() -> None:
    driver = shop()
    for choice, tools, word in (
        ({"name": "order"}, ["shop__look_up", "shop__order"], "shop__order"),
        ({}, ["shop__look_up", "shop__order"], "required"),
    ):
        chosen = {"type": "mcp", "server_label": "shop", **choice}
        driver.client("response.create", response={"tool_choice": chosen})
        respond = driver.sent(engine.Respond)[-1]
        assert respond.config is not None
        assert [tool.name for tool in respond.config.tools] == tools
        assert respond.config.tool_choice == word
        driver.engine(engine.Done(respond.response, DoneStatus.COMPLETED))


def test_a_remote_tool_that_is_not_there_cannot_be_demanded() -> None:
    driver = shop()
    chosen = {"type": "mcp", "server_label": "shop", "name": "sell"}
    driver.client("response.create", response={"tool_choice": chosen})
    assert driver.error()["param"] == "response.tool_choice"


def test_outside_of_the_conversation_no_call_waits_for_approval() -> None:
    driver = shop(require_approval={"always": {"tool_names": ["order"]}})
    driver.client("response.create", response={"conversation": "none"})
    respond = driver.sent(engine.Respond)[-1]
    assert respond.config is not None
    assert [tool.name for tool in respond.config.tools] == ["shop__look_up"]
    driver.engine(engine.ToolCall(respond.response, FunctionCall("c", "shop__look_up", "{}")))
    mark = driver.mark()
    driver.mcp(ToolReturned(request(driver).item_id, "green"))
    assert driver.types(mark) == ["response.mcp_call.completed", "response.output_item.done"]
    assert driver.sent(engine.ItemCreate, mark) == []
