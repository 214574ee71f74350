"""Messages between a worker and the process that asks MCP servers for it."""

import msgspec
import pytest

from antiphon_proto.realtime.mcp import HttpError, ListedTool
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.messages import (
    LENGTH,
    MAX_MESSAGE_BYTES,
    Answered,
    Ask,
    Begin,
    Leave,
    Message,
    MessageError,
    decode,
    frame,
    message_length,
)
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

SERVER = McpServer("https://tools.example/mcp?key=s3cret", (("Authorization", "Bearer t0ken"),))


def carried(message: Message) -> Message:
    framed = frame(message)
    assert LENGTH.unpack(framed[: LENGTH.size]) == (len(framed) - LENGTH.size,)
    return decode(framed[LENGTH.size :])


@pytest.mark.parametrize("text", ["*", "none", "*.example.com,10.0.0.0/8,fd00::/8,*"])
def test_what_is_allowed_is_carried(text: str) -> None:
    allowed = AllowedServers.parse(text)
    begin = carried(Begin.of(allowed, 30.0))
    assert isinstance(begin, Begin)
    assert (begin.allowed, begin.timeout_s) == (allowed, 30.0)


@pytest.mark.parametrize(
    "request_", [ListTools("mcpl_1", SERVER), CallTool("mcp_1", SERVER, "look_up", "{}")]
)
def test_requests_are_carried_and_not_shown(request_: McpRequest) -> None:
    ask = carried(Ask.of(7, 3, request_))
    assert isinstance(ask, Ask)
    assert (ask.number, ask.conversation, ask.request) == (7, 3, request_)
    assert "t0ken" not in repr(ask)
    assert "s3cret" not in repr(ask)


@pytest.mark.parametrize(
    "outcome",
    [
        ToolsListed("a", (ListedTool(name="t", input_schema=msgspec.Raw(b'{"type":"object"}')),)),
        ToolsListed("a", ()),
        ToolReturned("a", ""),
        McpFailed("a", HttpError(code=504, message="late")),
    ],
)
def test_outcomes_are_carried(outcome: McpOutcome) -> None:
    answered = carried(Answered.of(7, outcome))
    assert isinstance(answered, Answered)
    assert (answered.number, answered.outcome) == (7, outcome)
    assert carried(Leave(3)) == Leave(3)


def test_what_is_too_long_or_no_message_is_refused() -> None:
    for refused in (
        lambda: frame(Answered.of(1, ToolReturned("a", "x" * MAX_MESSAGE_BYTES))),
        lambda: frame(Answered.of(1, ToolReturned("a", "\ud800"))),
        lambda: message_length(MAX_MESSAGE_BYTES + 1),
        lambda: decode(b"{}"),
        lambda: decode(b"\xff"),
        lambda: Answered(1, "a").outcome,
    ):
        with pytest.raises(MessageError):
            refused()
