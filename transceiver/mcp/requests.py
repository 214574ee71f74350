"""What is asked of MCP servers, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

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


class McpRequester(Protocol):
    """Asks servers for one conversation."""

    def run(self, request: McpRequest) -> None:
        """Ask; what comes of it is delivered later."""

    def close(self) -> None:
        """Deliver nothing any more."""


McpOpener = Callable[[Callable[[McpOutcome], None]], McpRequester]
"""Makes a requester, which delivers to the function given."""


class _Nobody:
    def run(self, request: McpRequest) -> None: ...

    def close(self) -> None: ...


def ask_nobody(_deliver: Callable[[McpOutcome], None]) -> McpRequester:
    """Where no servers are asked."""
    return _Nobody()
