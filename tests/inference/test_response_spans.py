"""What a replica traces of a session, whichever engine has it."""

import logging

import pytest

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import Done, DoneStatus, Open, Respond, SessionConfig
from chassis.logs import LoggedCall, current_call
from chassis.tracing.tracer import current_scope
from inference.admission import Admission
from inference.response_spans import MAX_OPEN, ResponseSpans
from inference.trunk import Trunk
from inference.trunk_counters import TrunkCounters
from inference.trunk_session import TrunkSession
from tests.chassis.tracing.recorded import Recorder, remote, seconds
from tests.inference.scripted_engine import ScriptedEngine

CALL, TURN = remote(), remote()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.mark.parametrize(
    ("done", "error"),
    [
        (Done(1, DoneStatus.COMPLETED), ""),
        (Done(1, DoneStatus.CANCELLED), ""),
        (Done(1, DoneStatus.FAILED, "brain_failed"), "brain_failed"),
    ],
)
def test_a_response_from_its_request_to_its_end(recorder: Recorder, done: Done, error: str) -> None:
    spans = ResponseSpans(recorder.tracer, "cascade")
    spans.begin(Respond(1, "item", traceparent=TURN.traceparent))
    recorder.now = 2.0
    spans.done(done)
    spans.done(done)
    [span] = recorder.spans
    assert (span.name, span.error, seconds(span)) == ("respond", error, (0.0, 2.0))
    assert span.parent_id == TURN.span_id
    assert span.attributes["antiphon.response.status"] == done.status.value


@pytest.mark.parametrize("traceparent", ["", "nonsense", "x" * 100_000])
def test_nothing_is_traced_for_a_traceparent_that_is_none(
    recorder: Recorder, traceparent: str
) -> None:
    spans = ResponseSpans(recorder.tracer, "cascade")
    spans.begin(Respond(1, "item", traceparent=traceparent))
    spans.done(Done(1, DoneStatus.COMPLETED))
    assert recorder.spans == []


def test_those_of_an_engine_that_ends_none_are_bounded(recorder: Recorder) -> None:
    spans = ResponseSpans(recorder.tracer, "cascade")
    for number in range(2 * MAX_OPEN):
        spans.begin(Respond(number, "item", traceparent=TURN.traceparent))
    spans.close("client_hangup")
    assert len(recorder.spans) == MAX_OPEN
    assert recorder.spans[0].attributes["antiphon.close_reason"] == "client_hangup"


def test_an_engine_works_in_the_context_of_its_call(recorder: Recorder) -> None:
    seen: list[tuple[LoggedCall | None, str]] = []

    class Engine(ScriptedEngine):
        """Notes what it works for whenever it is asked something."""

        def note(self) -> None:
            seen.append((current_call.get(), current_scope.get().traceparent))

    engine = Engine()
    opened, commit = engine.open, Respond(1, "item", traceparent=TURN.traceparent)

    def noting_open(*arguments: object) -> object:
        engine.note()
        session = opened(*arguments)  # type: ignore[arg-type]
        respond = session.respond

        def noting_respond(request: Respond) -> None:
            engine.note()
            respond(request)

        session.respond = noting_respond  # type: ignore[method-assign]
        return session

    engine.open = noting_open  # type: ignore[assignment,method-assign]
    request = Open("rtc_1", "scripted", SessionConfig(), (), CALL.traceparent)
    session = TrunkSession(engine, request, lambda: None, recorder.tracer)
    session.apply(commit)
    call = LoggedCall("rtc_1", CALL.trace_id.hex())
    opening, responding = seen
    assert opening == (call, CALL.traceparent)
    assert responding[0] == call
    assert responding[1] not in ("", CALL.traceparent), "the response has a span of its own"
    assert (current_call.get(), current_scope.get().traceparent) == (None, "")


def test_lines_about_a_session_name_its_call(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    trunk = Trunk(
        [ScriptedEngine()], Admission(1), TrunkCounters(), lambda: None, tracer=recorder.tracer
    )
    opening = pb.Open(call_id="rtc_1", traceparent=CALL.traceparent)
    trunk.receive(pb.Uplink(commands=[pb.Command(session=1, open=opening)]))
    trunk.close("trunk_closed")
    call = LoggedCall("rtc_1", CALL.trace_id.hex())
    assert [record.__dict__["call"] for record in caplog.records] == [call, call]
