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
    """A label of `antiphon_transceiver_mcp_requests_total`."""

    OK = "ok"
    """The tools were listed, or the tool returned."""
    HTTP_ERROR = "http_error"
    """The server could not be reached, did not answer in time, may not be used, or refused by a
    status."""
    PROTOCOL_ERROR = "protocol_error"
    """It refused by an error of JSON-RPC, or its answer was malformed."""
    TOOL_EXECUTION_ERROR = "tool_execution_error"
    """The tool failed, returned too much, or was called with arguments that are none."""


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
