"""Events about remote MCP tools that the server sends.

https://platform.openai.com/docs/guides/realtime-mcp
"""

from msgspec import Struct


class _McpEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""
    item_id: str


class McpListToolsInProgress(_McpEvent, frozen=True, tag="mcp_list_tools.in_progress"):
    """The tools of a server are being listed."""


class McpListToolsCompleted(_McpEvent, frozen=True, tag="mcp_list_tools.completed"):
    """From here on the model is offered them; the item names them when it is done."""


class McpListToolsFailed(_McpEvent, frozen=True, tag="mcp_list_tools.failed"):
    """The server's tools are not known; the item says why when it is done."""


class _CallEvent(_McpEvent, frozen=True):
    output_index: int


class ResponseMcpCallArgumentsDelta(
    _CallEvent, frozen=True, tag="response.mcp_call_arguments.delta"
):
    """What the arguments gained. Clients want `obfuscation`, which is empty: nothing is padded."""

    response_id: str
    delta: str
    obfuscation: str = ""


class ResponseMcpCallArgumentsDone(_CallEvent, frozen=True, tag="response.mcp_call_arguments.done"):
    """The whole arguments, JSON text."""

    response_id: str
    arguments: str


class ResponseMcpCallInProgress(_CallEvent, frozen=True, tag="response.mcp_call.in_progress"):
    """The server was asked to run the tool."""


class ResponseMcpCallCompleted(_CallEvent, frozen=True, tag="response.mcp_call.completed"):
    """The tool returned; the item has its output when it is done."""


class ResponseMcpCallFailed(_CallEvent, frozen=True, tag="response.mcp_call.failed"):
    """The tool was not run, or failed; the item says why when it is done."""


McpEvent = (
    McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
)
