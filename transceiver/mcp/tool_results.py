"""What MCP servers answer, in the API's terms. Imports the `mcp` package: see `client`."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpcore2
import httpx2
import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)

from antiphon_proto.realtime.mcp import (
    HttpError,
    ListedTool,
    McpError,
    ProtocolError,
    ToolExecutionError,
)
from transceiver.mcp.guarded_http import ForbiddenServerError, TooLargeError

MAX_OUTPUT_BYTES = 64 * 1024
"""Of what a tool returns, in UTF-8: it goes into the model's context and one event."""

MAX_MESSAGE = 1000
"""Characters of a server's own words about a failure."""

ENDED = "Session terminated"

_BY_STATUS = frozenset({"Server returned an error response", "Not Found", ENDED})
"""How the `mcp` package words a response whose status says it all."""


def listed_tools(tools: Sequence[Tool]) -> tuple[ListedTool, ...]:
    """The first of each name."""
    by_name = {tool.name: tool for tool in reversed(tools)}
    return tuple(_listed(tool) for tool in tools if by_name[tool.name] is tool)


def _listed(tool: Tool) -> ListedTool:
    hints = tool.annotations
    return ListedTool(
        name=tool.name,
        description=tool.description or "",
        input_schema=_raw(tool.input_schema),
        annotations=(
            msgspec.UNSET
            if hints is None
            else _raw(hints.model_dump(mode="json", by_alias=True, exclude_none=True))
        ),
    )


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def output_of(result: CallToolResult) -> str | McpError:
    """The text of what a tool returned: JSON, where it returned nothing but that."""
    text = "\n".join(_texts(result))
    if not result.content and result.structured_content is not None:
        text = msgspec.json.encode(result.structured_content).decode()
    if result.is_error:
        return ToolExecutionError(message=text[:MAX_MESSAGE] or "The tool failed.")
    if len(text.encode()) > MAX_OUTPUT_BYTES:
        return ToolExecutionError(
            message=f"The tool returned more than {MAX_OUTPUT_BYTES} bytes: ask it for less."
        )
    return text


def _texts(result: CallToolResult) -> Iterator[str]:
    for part in result.content:
        match part:
            case TextContent():
                yield part.text
            case EmbeddedResource(resource=TextResourceContents() as resource):
                yield resource.text
            case ResourceLink():
                yield str(part.uri)
            case ImageContent() | AudioContent() | EmbeddedResource():
                yield f"[{part.type}]"


def error_of(failure: BaseException, status: int) -> McpError:
    """Why a server gave no answer; `status` is that of its last response, 0 without one."""
    match failure := _cause(failure):
        case ForbiddenServerError():
            return HttpError(code=403, message="--mcp-servers does not allow this server.")
        case TimeoutError() | httpcore2.TimeoutException() | httpx2.TimeoutException():
            return HttpError(code=504, message="The server did not answer in time.")
        case TooLargeError():
            return HttpError(code=502, message="The server answered with more than is read.")
        case httpx2.HTTPStatusError():
            status = failure.response.status_code
            return HttpError(code=status, message=f"The server answered with status {status}.")
        case MCPError() if status >= 400 and failure.message in _BY_STATUS:
            return HttpError(code=status, message=f"The server answered with status {status}.")
        case MCPError():
            return ProtocolError(code=failure.code, message=failure.message[:MAX_MESSAGE])
        case RuntimeError() | ValueError():
            return ProtocolError(code=-32603, message="The server's answer is malformed.")
        case _:
            return HttpError(code=502, message="The server could not be reached.")


def is_servers_own(failure: BaseException) -> bool:
    """Whether the server refused by an error of its own: its session goes on."""
    return (
        isinstance(failure, MCPError)
        and failure.code != CONNECTION_CLOSED
        and failure.message not in _BY_STATUS
    )


def _cause(failure: BaseException) -> BaseException:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
