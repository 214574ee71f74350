"""Counts what MCP servers were asked, for the metrics."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from antiphon_proto.realtime.mcp import HttpError, ProtocolError
from transceiver.mcp.requests import ListTools, McpFailed, McpOutcome, McpRequest


class McpRequestKind(Enum):
    LIST = "list"
    CALL = "call"


class McpResult(Enum):
    OK = "ok"
    HTTP_ERROR = "http_error"
    PROTOCOL_ERROR = "protocol_error"
    TOOL_EXECUTION_ERROR = "tool_execution_error"


@dataclass(slots=True)
class McpCounters:
    """Requests that have ended."""

    ended: Counter[tuple[McpRequestKind, McpResult]] = field(default_factory=Counter)

    def count(self, request: McpRequest, outcome: McpOutcome) -> None:
        kind = McpRequestKind.LIST if isinstance(request, ListTools) else McpRequestKind.CALL
        self.ended[kind, _result(outcome)] += 1


def _result(outcome: McpOutcome) -> McpResult:
    if not isinstance(outcome, McpFailed):
        return McpResult.OK
    match outcome.error:
        case HttpError():
            return McpResult.HTTP_ERROR
        case ProtocolError():
            return McpResult.PROTOCOL_ERROR
        case _:
            return McpResult.TOOL_EXECUTION_ERROR
