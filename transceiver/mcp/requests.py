"""What is asked of MCP servers, and what comes of it."""

from dataclasses import dataclass, field

from antiphon_proto.realtime.mcp import ListedTool, McpError


@dataclass(frozen=True, slots=True)
class McpServer:
    """Where a server is and what it is sent with every request: secrets, mostly."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ListTools:
    """Import the server's tools, for the item `item_id`."""

    item_id: str
    server: McpServer


@dataclass(frozen=True, slots=True)
class CallTool:
    """Run the tool `name`, for the item `item_id`; `arguments_json` is an object, or malformed."""

    item_id: str
    server: McpServer
    name: str
    arguments_json: str = field(repr=False)


McpRequest = ListTools | CallTool


@dataclass(frozen=True, slots=True)
class ToolsListed:
    item_id: str
    tools: tuple[ListedTool, ...]


@dataclass(frozen=True, slots=True)
class ToolReturned:
    item_id: str
    output: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class McpFailed:
    """A listing or a call came to nothing."""

    item_id: str
    error: McpError


McpOutcome = ToolsListed | ToolReturned | McpFailed
