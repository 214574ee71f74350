"""What a worker and the process that asks MCP servers for it tell each other.

    0        4
    ┌────────┬─────────┐
    │ length │ message │  JSON, `length` (big-endian) bytes of it
    └────────┴─────────┘

The worker sends Begin, then Ask and Leave; each Ask is answered by Answered.
"""

import struct

import msgspec

from antiphon_proto.realtime.mcp import ListedTool, McpError
from transceiver.mcp.allowed_servers import AllowedServers
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

MAX_MESSAGE_BYTES = 4 * 1024 * 1024

LENGTH = struct.Struct("!I")


class MessageError(ValueError):
    """No message, or one that is too long."""


class Begin(msgspec.Struct, frozen=True, tag=True):
    """How servers are asked: first of all messages."""

    public: bool
    names: tuple[str, ...]
    networks: tuple[str, ...]
    timeout_s: float

    @classmethod
    def of(cls, allowed: AllowedServers, timeout_s: float) -> "Begin":
        return cls(allowed.public, allowed.names, tuple(map(str, allowed.networks)), timeout_s)

    @property
    def allowed(self) -> AllowedServers:
        networks = AllowedServers.parse(",".join(self.networks)).networks if self.networks else ()
        return AllowedServers(self.public, self.names, networks)


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Request `number` of a conversation: without a `tool` the server's are listed."""

    number: int
    conversation: int
    item_id: str
    server: McpServer
    tool: str | None = None
    arguments_json: str = ""

    @classmethod
    def of(cls, number: int, conversation: int, request: McpRequest) -> "Ask":
        match request:
            case ListTools(item_id, server):
                return cls(number, conversation, item_id, server)
            case CallTool(item_id, server, name, arguments_json):
                return cls(number, conversation, item_id, server, name, arguments_json)

    def __repr__(self) -> str:
        return f"Ask({self.number})"

    @property
    def request(self) -> McpRequest:
        if self.tool is None:
            return ListTools(self.item_id, self.server)
        return CallTool(self.item_id, self.server, self.tool, self.arguments_json)


class Leave(msgspec.Struct, frozen=True, tag=True):
    """The conversation asks no more, and wants no answers."""

    conversation: int


class Answered(msgspec.Struct, frozen=True, tag=True):
    """What came of request `number`: one of the three."""

    number: int
    item_id: str
    tools: tuple[ListedTool, ...] | None = None
    output: str | None = None
    error: McpError | None = None

    @classmethod
    def of(cls, number: int, outcome: McpOutcome) -> "Answered":
        match outcome:
            case ToolsListed(item_id, tools):
                return cls(number, item_id, tools=tools)
            case ToolReturned(item_id, output):
                return cls(number, item_id, output=output)
            case McpFailed(item_id, error):
                return cls(number, item_id, error=error)

    def __repr__(self) -> str:
        return f"Answered({self.number})"

    @property
    def outcome(self) -> McpOutcome:
        """Raises MessageError."""
        if self.tools is not None:
            return ToolsListed(self.item_id, self.tools)
        if self.output is not None:
            return ToolReturned(self.item_id, self.output)
        if self.error is not None:
            return McpFailed(self.item_id, self.error)
        raise MessageError("an answer that says nothing")


Message = Begin | Ask | Leave | Answered

_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def frame(message: Message) -> bytes:
    """Raises MessageError."""
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError as error:
        raise MessageError("text that is none") from error
    return LENGTH.pack(message_length(len(body))) + body


def message_length(length: int) -> int:
    """The length itself. Raises MessageError where no message is so long."""
    if length > MAX_MESSAGE_BYTES:
        raise MessageError(f"a message of {length} bytes")
    return length


def decode(body: bytes) -> Message:
    """Raises MessageError."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError("no message") from error
