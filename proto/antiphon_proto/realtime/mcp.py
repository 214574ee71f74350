"""Remote MCP tools: how clients ask for them, and the conversation items about them.

https://platform.openai.com/docs/guides/realtime-mcp
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

_ItemId = Annotated[str, Meta(min_length=1, max_length=64)]
_ToolName = Annotated[str, Meta(min_length=1, max_length=256)]
_ToolNames = Annotated[list[_ToolName], Meta(max_length=256)]

ServerLabel = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class ToolFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of a server's tools: those that match every member that is given, none without any.

    `read_only` is what the server says of a tool (`readOnlyHint`).
    """

    tool_names: _ToolNames | None = None
    read_only: bool | None = None

    def matches(self, name: str, *, read_only: bool) -> bool:
        if self.tool_names is None and self.read_only is None:
            return False
        named = self.tool_names is None or name in self.tool_names
        return named and self.read_only in (None, read_only)


class ApprovalFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which tools are called only with the client's approval, and which without."""

    always: ToolFilter | None = None
    never: ToolFilter | None = None

    def requires(self, name: str, *, read_only: bool) -> bool:
        """What neither filter matches needs approval, unless only `always` is given."""
        if self.always and self.always.matches(name, read_only=read_only):
            return True
        if self.never and self.never.matches(name, read_only=read_only):
            return False
        return self.never is not None or self.always is None


class McpTool(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="mcp"):
    """The tools of the server `server_label`; all but the label may be left out later.

    `authorization` (an OAuth access token) and `headers` are secrets: whoever shows or keeps
    a configuration takes them out first, see `without_secrets`.
    """

    server_label: ServerLabel
    server_url: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None
    connector_id: Annotated[str, Meta(max_length=256)] | None = None
    tunnel_id: Annotated[str, Meta(max_length=256)] | None = None
    server_description: Annotated[str, Meta(max_length=4096)] | None = None
    authorization: Annotated[str, Meta(max_length=8192)] | None = None
    headers: Annotated[dict[str, str], Meta(max_length=32)] | None = None
    allowed_tools: _ToolNames | ToolFilter | None = None
    require_approval: Literal["always", "never"] | ApprovalFilter | None = None
    allowed_callers: list[Literal["direct", "programmatic"]] | None = None
    defer_loading: bool | None = None

    def __repr__(self) -> str:
        return f"McpTool({self.server_label!r})"

    @property
    def without_secrets(self) -> "McpTool":
        """What may be shown."""
        return msgspec.structs.replace(self, authorization=None, headers=None)

    def allows(self, name: str, *, read_only: bool) -> bool:
        """Whether the model may see this tool of the server."""
        match self.allowed_tools:
            case None:
                return True
            case ToolFilter() as wanted:
                return wanted.matches(name, read_only=read_only)
            case names:
                return name in names

    def requires_approval(self, name: str, *, read_only: bool) -> bool:
        """Whether the client decides on each call of this tool: the API's default."""
        match self.require_approval:
            case "never":
                return False
            case ApprovalFilter() as wanted:
                return wanted.requires(name, read_only=read_only)
            case _:
                return True


class McpChoice(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp"):
    """The model must call this tool of the server, or any of its tools."""

    server_label: str
    name: str | None = None


# ---- conversation items ------------------------------------------------------


class HttpError(Struct, frozen=True, kw_only=True, tag_field="type", tag="http_error"):
    """The server could not be reached (502), did not answer in time (504), must not be asked
    (403), or answered with this status."""

    code: int
    message: str


class ProtocolError(Struct, frozen=True, kw_only=True, tag_field="type", tag="protocol_error"):
    """The server refused by a JSON-RPC error."""

    code: int
    message: str


class ToolExecutionError(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_execution_error"
):
    """The tool was not run, or failed."""

    message: str


McpError = HttpError | ProtocolError | ToolExecutionError


class ListedTool(Struct, frozen=True, kw_only=True):
    """A tool that a server offers. `description` is never null: clients would drop the event."""

    name: str
    description: str = ""
    input_schema: Raw = Raw(b"{}")
    annotations: Raw | UnsetType = UNSET


class McpListTools(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp_list_tools"):
    """The tools of a server that the model may be offered. `error` says why there are none."""

    server_label: str
    tools: list[ListedTool] = []
    id: _ItemId | UnsetType = UNSET
    error: McpError | UnsetType = UNSET


class McpCall(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp_call"):
    """A call of a remote tool: with neither `output` nor `error`, one that goes on.

    Its null members are sent: clients ask for `output`.
    """

    server_label: str
    name: str
    arguments: str
    id: _ItemId | UnsetType = UNSET
    approval_request_id: str | None = None
    output: str | None = None
    error: McpError | None = None


class McpApprovalRequest(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp_approval_request"
):
    """A call that waits for the client's approval."""

    server_label: str
    name: str
    arguments: str
    id: _ItemId | UnsetType = UNSET


class McpApprovalResponse(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp_approval_response"
):
    """The client's answer to an approval request."""

    approval_request_id: str
    approve: bool
    reason: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    id: _ItemId | UnsetType = UNSET


McpItem = McpListTools | McpCall | McpApprovalRequest | McpApprovalResponse
