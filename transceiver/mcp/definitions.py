"""The MCP servers that a session was told of, each by its label."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.mcp import McpTool
from antiphon_proto.realtime.session import FunctionTool
from transceiver.mcp.requests import McpServer

MAX_SERVERS = 16
"""That a session remembers."""

MAX_HEADER_BYTES = 8 * 1024
"""Of all headers of a server together."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "last-event-id",
        "mcp-protocol-version",
        "mcp-session-id",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of HTTP and of MCP itself: a client that sets them would speak for this server."""

Tools = Sequence[FunctionTool | McpTool]


class Definitions:
    """Keeps the secrets that a session's configuration does not hold.

    A label means one server: a tool that leaves the URL out means the one that was defined
    before. Secrets that are left out are kept, as long as the URL is the same.
    """

    def __init__(self) -> None:
        self._known: dict[str, McpTool] = {}

    def adopt(self, tools: Tools, param: str) -> list[FunctionTool | McpTool]:
        """Remember the servers among `tools`; the tools as they may be shown.

        Raises RealtimeError, and remembers nothing then.
        """
        whole = self._completed(tools, param)
        if len(self._known.keys() | whole.keys()) > MAX_SERVERS:
            raise RealtimeError(
                "invalid_value", f"A session has at most {MAX_SERVERS} MCP servers.", param=param
            )
        self._known |= whole
        return [_shown(tool, whole) for tool in tools]

    def adopt_once(self, tools: Tools, param: str) -> list[FunctionTool | McpTool]:
        """As `adopt`, for one response: of what is known already, only the secrets change."""
        for index, tool in enumerate(tools):
            if isinstance(tool, McpTool) and self._is_another_server(tool):
                raise RealtimeError(
                    "invalid_value",
                    f"{tool.server_label!r} is another server in this session.",
                    param=f"{param}[{index}].server_label",
                )
        before = dict(self._known)
        shown = self.adopt(tools, param)
        for label, known in before.items():
            now = self._known[label]
            self._known[label] = msgspec.structs.replace(
                known, authorization=now.authorization, headers=now.headers
            )
        return shown

    def _is_another_server(self, tool: McpTool) -> bool:
        known = self._known.get(tool.server_label)
        return known is not None and tool.server_url not in (None, known.server_url)

    def server(self, label: str) -> McpServer:
        """Raises KeyError for a label that was not adopted."""
        tool = self._known[label]
        headers = dict(tool.headers or {})
        if tool.authorization is not None:
            headers["Authorization"] = f"Bearer {tool.authorization}"
        return McpServer(tool.server_url or "", tuple(headers.items()))

    def _completed(self, tools: Tools, param: str) -> dict[str, McpTool]:
        whole: dict[str, McpTool] = {}
        for index, tool in enumerate(tools):
            if not isinstance(tool, McpTool):
                continue
            where = f"{param}[{index}]"
            if tool.server_label in whole:
                raise RealtimeError(
                    "invalid_value",
                    f"The server label {tool.server_label!r} is given twice.",
                    param=f"{where}.server_label",
                )
            whole[tool.server_label] = self._complete(tool, where)
        return whole

    def _complete(self, tool: McpTool, where: str) -> McpTool:
        _check(tool, where)
        known = self._known.get(tool.server_label)
        if known is None or self._is_another_server(tool):
            if tool.server_url is None:
                raise RealtimeError(
                    "missing_required_parameter",
                    f"No server was called {tool.server_label!r} before: give its URL.",
                    param=f"{where}.server_url",
                )
            return tool
        if tool.server_url is None:
            return _laid_over(known, tool)
        if tool.authorization is None and tool.headers is None:
            return msgspec.structs.replace(
                tool, authorization=known.authorization, headers=known.headers
            )
        return tool


def _laid_over(known: McpTool, tool: McpTool) -> McpTool:
    given = {
        name: value for name, value in msgspec.structs.asdict(tool).items() if value is not None
    }
    return msgspec.structs.replace(known, **given)


def _shown(tool: FunctionTool | McpTool, whole: dict[str, McpTool]) -> FunctionTool | McpTool:
    return whole[tool.server_label].without_secrets if isinstance(tool, McpTool) else tool


def _check(tool: McpTool, where: str) -> None:
    """Raises RealtimeError."""
    for name in ("connector_id", "tunnel_id"):
        if getattr(tool, name) is not None:
            raise RealtimeError(
                "unsupported_value",
                "Connectors and tunnels are OpenAI's own: give the URL of an MCP server.",
                param=f"{where}.{name}",
            )
    if tool.allowed_callers is not None and "direct" not in tool.allowed_callers:
        raise RealtimeError(
            "unsupported_value",
            "Models call tools directly here: allow the caller 'direct'.",
            param=f"{where}.allowed_callers",
        )
    if tool.server_url is not None and (why := _url_fault(tool.server_url)):
        raise RealtimeError("invalid_value", why, param=f"{where}.server_url")
    if tool.authorization is not None and not _HEADER_VALUE.fullmatch(tool.authorization):
        raise RealtimeError(
            "invalid_value", "A token is printable ASCII.", param=f"{where}.authorization"
        )
    _check_headers(tool, f"{where}.headers")


def _url_fault(url: str) -> str | None:
    """What is wrong with it; the URL itself may hold secrets, and is not repeated."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no URL."
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "An MCP server has an http or https URL."
    if parts.username is not None or parts.password is not None:
        return "Give credentials as `authorization` or in `headers`."
    return None if url.isascii() and url.isprintable() and " " not in url else "This is no URL."


def _check_headers(tool: McpTool, where: str) -> None:
    headers = tool.headers or {}
    names = {name.lower() for name in headers}
    if tool.authorization is not None and "authorization" in names:
        raise RealtimeError(
            "invalid_value", "Send `authorization` or the header of that name.", param=where
        )
    if reserved := sorted(names & _OURS):
        raise RealtimeError(
            "invalid_value", f"The header {reserved[0]!r} is not a client's to set.", param=where
        )
    sound = len(names) == len(headers) and all(
        _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
        for name, value in headers.items()
    )
    if not sound or sum(map(len, (*headers, *headers.values()))) > MAX_HEADER_BYTES:
        raise RealtimeError(
            "invalid_value",
            f"Headers have names and printable ASCII, of {MAX_HEADER_BYTES} bytes at most.",
            param=where,
        )
