"""What an engine is told of calls of remote tools: for it they are calls of functions."""

from antiphon_proto import trunk as engine
from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.mcp import McpCall, McpItem, ToolExecutionError
from transceiver.mcp.toolbox import model_name

PREFIX = "mcp_"
"""Of an item's id; behind it is the engine's id of the call, where that fits."""


def engine_items(item: McpItem) -> tuple[engine.Item, ...]:
    """A call, and what came of it once that is known; engines know nothing of other items."""
    if not isinstance(item, McpCall):
        return ()
    call_id = engine_call_id(str(item.id))
    name = model_name(item.server_label, item.name)
    call = engine.FunctionCall(call_id, name, item.arguments)
    asked = engine.Item(call_id, engine.Role.ASSISTANT, call)
    return (asked, answered(item, call_id)) if has_ended(item) else (asked,)


def answered(item: McpCall, call_id: str) -> engine.Item:
    """What came of a call that has ended."""
    return engine.Item(
        str(item.id), engine.Role.USER, engine.FunctionCallOutput(call_id, _result(item))
    )


def engine_ids(item: Item) -> tuple[str, ...]:
    """By which ids an engine knows what it was told of an item."""
    item_id = str(item.id)
    return (engine_call_id(item_id), item_id) if isinstance(item, McpCall) else (item_id,)


def has_ended(item: McpCall) -> bool:
    return item.output is not None or item.error is not None


def engine_call_id(item_id: str) -> str:
    return item_id.removeprefix(PREFIX)


def _result(item: McpCall) -> str:
    if item.error is None:
        return item.output or ""
    error = item.error
    what = "" if isinstance(error, ToolExecutionError) else f" {error.code}"
    return f"Error{what}: {error.message}"
