"""What is traced of a call: its span, and below it its set-up, its turns and its tools.

    session ─┬─ setup ─┬─ engine          asked for, until it takes the session
             │         └─ connect         until the client's media is secured
             ├─ first_audio               from session.created until the agent is heard
             ├─ execute_tool NAME         asked of an MCP server
             └─ turn ─┬─ latency ── its parts, as in the latency ledger
                      └─ respond          the replica's, below the header that it was sent

One trace is one call, so that its log lines, its client and its replicas name the same. None
of it holds what was said, or who was: ids, names of models, counts and times.
"""

from collections.abc import Mapping
from contextvars import ContextVar

from antiphon_proto.realtime.response import ResponseUsage
from chassis.tracing.span import Attribute, SpanKind
from chassis.tracing.trace_context import TraceContext
from chassis.tracing.tracer import NO_TRACER, UNTRACED, OpenSpan, Tracer
from transceiver.close_reason import CloseReason
from transceiver.ledger import TurnInstants
from transceiver.mcp.requests import CallTool, McpFailed, McpOutcome, McpRequest
from transceiver.response_outcome import Outcome
from transceiver.transport import Transport

MAX_OPEN = 64
"""Turns, and requests to MCP servers, that are followed at once."""

FAULTS = frozenset(
    {
        CloseReason.INTERNAL_ERROR,
        CloseReason.ENGINE_FAILED,
        CloseReason.SETUP_TIMEOUT,
        CloseReason.CONSENT_LOST,
        CloseReason.DTLS_FAILED,
        CloseReason.CHANNEL_BROKEN,
    }
)
"""Ends that are errors of a call's span."""

asked_by: ContextVar[TraceContext | None] = ContextVar("asked_by", default=None)
"""The span of whoever's HTTP request is served: calls that it makes are part of that trace."""


class CallTrace:
    """Told of a call as it goes on. What is told twice counts once."""

    def __init__(
        self,
        tracer: Tracer = NO_TRACER,
        parent: TraceContext | None = None,
        *,
        call_id: str = "",
        transport: Transport = Transport.WEBRTC,
    ) -> None:
        attributes: dict[str, Attribute] = {
            "antiphon.call.id": call_id,
            "antiphon.transport": transport.value,
        }
        self._call = tracer.begin("session", attributes, parent=parent)
        self._of_call: dict[str, Attribute] = {"antiphon.call.id": call_id}
        self._setup = self._call.begin("setup")
        self._engine = self._setup.begin("engine")
        self._connect = self._setup.begin("connect")
        self._first_audio = UNTRACED
        self._turns: dict[int, OpenSpan] = {}
        self._tools: dict[str, OpenSpan] = {}

    @property
    def trace_id(self) -> str:
        """For the log; empty where the call is not recorded."""
        return self._call.trace_id

    @property
    def traceparent(self) -> str:
        """For a replica, of the call's own span."""
        return self._call.traceparent

    def concerns(self, session_id: str, model: str) -> None:
        """Which conversation it is, and with what."""
        self._of_call |= {"gen_ai.conversation.id": session_id, "gen_ai.request.model": model}
        self._call.note(self._of_call)

    # ---- set-up --------------------------------------------------------------

    def engine_answered(self, error: str = "") -> None:
        self._engine.end(error)

    def connected(self) -> None:
        """The client's media is secured."""
        self._connect.end()

    def ready(self) -> None:
        """The client is told, or knows, that the call stands."""
        if self._first_audio is UNTRACED:
            self._setup.end()
            self._first_audio = self._call.begin("first_audio")

    def heard(self) -> None:
        """The agent is heard."""
        self._first_audio.end()

    def closed(self, reason: CloseReason) -> None:
        error = reason.value if reason in FAULTS else ""
        if self._first_audio is UNTRACED:
            self._setup.end(error)
        for span in (*self._turns.values(), *self._tools.values()):
            span.end(error)
        self._call.note({"antiphon.close_reason": reason.value})
        self._call.end(error)

    # ---- turns ---------------------------------------------------------------

    def responding(self, number: int, response_id: str, *, text_only: bool) -> str:
        """A response is asked for; the traceparent for the replica that gives it."""
        if self._call.context is None or len(self._turns) >= MAX_OPEN:
            return self.traceparent
        span = self._turns[number] = self._call.begin(
            "turn",
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": "antiphon",
                "gen_ai.response.id": response_id,
                "gen_ai.output.type": "text" if text_only else "speech",
                **self._of_call,
            },
        )
        return span.traceparent

    def responded(self, number: int, outcome: Outcome, turn: TurnInstants | None) -> None:
        """A response is done; `turn`: when the turn that it answers reached what, if known."""
        span = self._turns.pop(number, None)
        if span is None:
            return
        span.note({"antiphon.response.status": outcome.status, **_usage(outcome.usage)})
        if turn is not None:
            span.began(turn.spoken)
            span.note({"antiphon.latency_ms": turn.account.total_ms})
            latency = span.begin("latency", at=turn.spoken)
            for part, start, end in turn.parts():
                latency.record(part, start, end)
            latency.end(at=turn.heard)
        span.end(_error(outcome))

    # ---- tools ---------------------------------------------------------------

    def tool_asked(self, request: McpRequest) -> None:
        if self._call.context is None or len(self._tools) >= MAX_OPEN:
            return
        name, attributes = "tools/list", dict(self._of_call)
        if isinstance(request, CallTool):
            name = f"execute_tool {request.name}"
            attributes["gen_ai.operation.name"] = "execute_tool"
            attributes["gen_ai.tool.name"] = request.name
        self._tools[request.item_id] = self._call.begin(name, attributes, kind=SpanKind.CLIENT)

    def tool_answered(self, outcome: McpOutcome) -> None:
        span = self._tools.pop(outcome.item_id, UNTRACED)
        span.end("mcp_failed" if isinstance(outcome, McpFailed) else "")


def _usage(usage: ResponseUsage | None) -> Mapping[str, Attribute]:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
    }


def _error(outcome: Outcome) -> str:
    """Of a response that failed: the conversation goes on without one that was cancelled."""
    error = outcome.details.error if outcome.details else None
    return error.code or "failed" if error else ""
