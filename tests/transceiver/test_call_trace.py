"""What is traced of a call, as it goes on."""

from itertools import pairwise

import pytest

from antiphon_proto.realtime.response import InputTokenDetails, OutputTokenDetails, ResponseUsage
from antiphon_proto.trunk import Done, DoneStatus, Open, Respond, Stage, StageTime
from tests.chassis.tracing.recorded import Recorder, remote, seconds
from tests.transceiver.conversation_driver import Driver
from transceiver.call_trace import MAX_OPEN, CallTrace
from transceiver.close_reason import CloseReason
from transceiver.ledger import LatencyLedger, TurnInstants
from transceiver.mcp.requests import CallTool, ListTools, McpFailed, McpServer, ToolReturned
from transceiver.response_outcome import Outcome, cancelled, failed
from transceiver.transport import Transport

COMPLETED = Outcome("completed")
SERVER = McpServer("label", "https://tools.example/mcp")
USAGE = ResponseUsage(
    total_tokens=7,
    input_tokens=3,
    output_tokens=4,
    input_token_details=InputTokenDetails(text_tokens=3, audio_tokens=0, cached_tokens=0),
    output_token_details=OutputTokenDetails(text_tokens=4, audio_tokens=0),
)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def call_trace(recorder: Recorder) -> CallTrace:
    trace = CallTrace(recorder.tracer, call_id="rtc_1", transport=Transport.SIP)
    trace.concerns("sess_1", "a-model")
    return trace


def turn_instants() -> TurnInstants:
    """Spoken at 10.0, heard at 11.0."""
    ledger = LatencyLedger()
    ledger.frame_forwarded(0, 0.1, 10.2)
    ledger.turn_ended(20, 10.5)
    ledger.responding(1)
    ledger.first_audio(1, 10.8)
    ledger.first_frame_sent(1, 10.9)
    after_ms = (300, 320, 330, 400, 550)
    ledger.done(1, [StageTime(s, ms * 1000) for s, ms in zip(Stage, after_ms, strict=True)])
    instants = ledger.turn(1, 0.2)
    assert instants is not None
    return instants


def test_a_call_is_set_up_in_steps(recorder: Recorder) -> None:
    trace = call_trace(recorder)
    recorder.now = 0.2
    trace.engine_answered()
    recorder.now = 0.3
    trace.connected()
    recorder.now = 0.4
    trace.ready()
    recorder.now = 1.0
    trace.ready()
    trace.heard()
    trace.heard()
    recorder.now = 5.0
    trace.closed(CloseReason.CLIENT_HANGUP)
    assert {span.name: seconds(span) for span in recorder.spans} == {
        "engine": (0.0, 0.2),
        "connect": (0.0, 0.3),
        "setup": (0.0, 0.4),
        "first_audio": (0.4, 1.0),
        "session": (0.0, 5.0),
    }
    session, setup = recorder.named("session"), recorder.named("setup")
    assert recorder.names_below(session) == ["setup", "first_audio"]
    assert recorder.names_below(setup) == ["engine", "connect"]
    assert session.error == ""
    assert session.attributes == {
        "antiphon.call.id": "rtc_1",
        "antiphon.transport": "sip",
        "antiphon.close_reason": "client_hangup",
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.request.model": "a-model",
    }


def test_a_call_that_does_not_come_about(recorder: Recorder) -> None:
    trace = call_trace(recorder)
    trace.engine_answered("at_capacity")
    trace.closed(CloseReason.ENGINE_FAILED)
    assert {span.name: span.error for span in recorder.spans} == {
        "engine": "at_capacity",
        "setup": "engine_failed",
        "session": "engine_failed",
    }


def test_a_turn_has_the_ledgers_parts(recorder: Recorder) -> None:
    trace, instants = call_trace(recorder), turn_instants()
    recorder.now = 10.5
    traceparent = trace.responding(1, "resp_1", text_only=False)
    recorder.now = 12.0
    trace.responded(1, Outcome("completed", usage=USAGE), instants)
    turn, latency = recorder.named("turn"), recorder.named("latency")
    assert traceparent == turn.context.traceparent
    assert seconds(turn) == (10.0, 12.0), "from the last voiced sample to response.done"
    assert seconds(latency) == (10.0, 11.0)
    assert recorder.names_below(turn) == ["latency"]
    parts = [span for span in recorder.spans if span.parent_id == latency.context.span_id]
    assert [(part.name, *seconds(part)) for part in parts] == [
        ("transport", 10.0, 10.1),
        ("uplink_wait", 10.1, 10.2),
        ("endpointing", 10.2, 10.5),
        ("asr", 10.5, 10.52),
        ("trunk", 10.52, 10.53),
        ("brain", 10.53, 10.6),
        ("tts", 10.6, 10.75),
        ("trunk", 10.75, 10.8),
        ("pacing", 10.8, 10.9),
        ("transport", 10.9, 11.0),
    ]
    assert all(before.end_ns == after.start_ns for before, after in pairwise(parts))
    told = instants.account.parts_ms()
    for name, milliseconds in told.items():
        spans = (seconds(part) for part in parts if part.name == name)
        assert sum(end - start for start, end in spans) == pytest.approx(
            milliseconds / 1000, abs=2e-3
        )
    assert turn.attributes["antiphon.latency_ms"] == 1000
    assert turn.attributes["gen_ai.usage.input_tokens"] == 3
    assert turn.attributes["gen_ai.usage.output_tokens"] == 4


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        (cancelled("turn_detected"), "cancelled", ""),
        (failed("brain_timeout", "It took too long."), "failed", "brain_timeout"),
    ],
)
def test_a_response_that_nobody_heard(
    recorder: Recorder, outcome: Outcome, status: str, error: str
) -> None:
    trace = call_trace(recorder)
    trace.responding(1, "resp_1", text_only=True)
    recorder.now = 2.0
    trace.responded(1, outcome, None)
    turn = recorder.named("turn")
    assert (seconds(turn), turn.error) == ((0.0, 2.0), error)
    assert turn.attributes["antiphon.response.status"] == status
    assert turn.attributes["gen_ai.output.type"] == "text"
    assert "It took too long." not in map(str, turn.attributes.values())


def test_tools_of_mcp_servers(recorder: Recorder) -> None:
    trace = call_trace(recorder)
    trace.tool_asked(ListTools("mcpl_1", SERVER))
    trace.tool_asked(CallTool("mcp_1", SERVER, "weather", '{"city": "Bern"}'))
    recorder.now = 3.0
    trace.tool_answered(ToolReturned("mcp_1", "sunny"))
    trace.tool_answered(McpFailed("mcpl_1", None))  # type: ignore[arg-type]
    trace.tool_answered(ToolReturned("unknown", ""))
    tool, listing = recorder.spans
    assert (tool.name, tool.error, seconds(tool)) == ("execute_tool weather", "", (0.0, 3.0))
    assert tool.attributes["gen_ai.tool.name"] == "weather"
    assert (listing.name, listing.error) == ("tools/list", "mcp_failed")
    assert "Bern" not in repr(recorder.spans)


def test_what_goes_on_ends_with_the_call(recorder: Recorder) -> None:
    trace = call_trace(recorder)
    trace.responding(1, "resp_1", text_only=False)
    trace.tool_asked(CallTool("mcp_1", SERVER, "weather", "{}"))
    trace.closed(CloseReason.INTERNAL_ERROR)
    assert {span.error for span in recorder.spans} == {"internal_error"}
    assert {"turn", "execute_tool weather", "session"} <= {span.name for span in recorder.spans}


def test_what_is_followed_at_once_is_bounded(recorder: Recorder) -> None:
    trace = call_trace(recorder)
    told = {trace.responding(n, f"resp_{n}", text_only=False) for n in range(2 * MAX_OPEN)}
    for n in range(2 * MAX_OPEN):
        trace.tool_asked(ListTools(f"mcpl_{n}", SERVER))
    assert len(told) == MAX_OPEN + 1
    assert trace.traceparent in told, "a replica's spans are then below the call"
    trace.closed(CloseReason.IDLE)
    assert len(recorder.spans) == 2 * MAX_OPEN + 2


def test_a_call_of_a_client_that_does_not_record(recorder: Recorder) -> None:
    parent = remote(sampled=False)
    trace = CallTrace(recorder.tracer, parent)
    told = trace.responding(1, "resp_1", text_only=False)
    trace.responded(1, COMPLETED, turn_instants())
    trace.closed(CloseReason.IDLE)
    assert recorder.spans == []
    assert told.startswith(f"00-{parent.trace_id.hex()}-")
    assert told.endswith("-00")
    assert trace.trace_id == ""


def test_a_call_that_is_not_traced() -> None:
    trace = CallTrace()
    trace.concerns("sess_1", "a-model")
    assert trace.responding(1, "resp_1", text_only=False) == trace.traceparent == ""
    trace.responded(1, COMPLETED, turn_instants())
    trace.tool_asked(ListTools("mcpl_1", SERVER))
    for happens in (trace.engine_answered, trace.connected, trace.ready, trace.heard):
        happens()
    trace.closed(CloseReason.IDLE)


def test_a_replica_is_told_of_the_call_and_of_each_turn(recorder: Recorder) -> None:
    driver = Driver(trace=CallTrace(recorder.tracer))
    driver.user_turn()
    [opening] = [each for each in driver.commands if isinstance(each, Open)]
    [respond] = [each for each in driver.commands if isinstance(each, Respond)]
    driver.speech(1, 40)
    (resumption,), _outputs = driver.conversation.engine_resumptions()
    assert resumption.request.traceparent == respond.traceparent, "wherever it goes on"
    assert driver.conversation.engine_opening().traceparent == opening.traceparent
    driver.play(40)
    driver.engine(Done(1, DoneStatus.COMPLETED))
    turn = recorder.named("turn")
    assert respond.traceparent == turn.context.traceparent
    assert opening.traceparent.split("-")[2] == turn.parent_id.hex()
    assert recorder.names_below(turn) == ["latency"]
    assert turn.attributes["gen_ai.response.id"] == driver.events[-1]["response"]["id"]
