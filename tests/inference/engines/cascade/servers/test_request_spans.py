"""Requests to model servers, as spans and as the servers are told of them."""

import pytest

from antiphon_proto.trunk import Transcription
from chassis.tracing.span import Span, SpanKind
from chassis.tracing.tracer import within
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.transcription_server import (
    TranscriptionServer,
    TranscriptionSettings,
)
from inference.engines.cascade.speech_recognition import RecognitionError
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.chassis.tracing.recorded import Recorder, remote
from tests.inference.engines.cascade.servers.model_servers import ModelServers, gives

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = TranscriptionSettings(model="asr", timeout_s=10.0, partial_interval_s=0)
NAME = "POST /audio/transcriptions"


async def recognise(access: ServerAccess, recorder: Recorder, *, sampled: bool = True) -> None:
    """Have half a second heard below another process's span."""
    server = TranscriptionServer(access, SETTINGS, ModelServerCounters(), SpeechServerCounters())
    with within(recorder.tracer.below(remote(sampled=sampled))):
        utterance = server.open_stream().begin(lambda _text: None, Transcription())
    # As the model of voice activity does: from elsewhere.
    utterance.push(bytes(16_000))
    utterance.finish()
    try:
        await utterance.final()
    finally:
        await server.close()


def told(servers: ModelServers) -> list[str]:
    return [request["headers"].get("traceparent", "") for request in servers.requests]


async def test_a_request_is_a_span_that_the_server_is_told(
    access: ServerAccess, servers: ModelServers
) -> None:
    recorder = Recorder()
    await recognise(access, recorder)
    span = recorder.named(NAME)
    assert (span.kind, span.parent_id, span.error) == (SpanKind.CLIENT, remote().span_id, "")
    assert told(servers) == [span.context.traceparent]
    port = int(servers.url.rpartition(":")[2].partition("/")[0])
    assert span.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": f"{servers.url}/audio/transcriptions",
    }


async def test_each_try_is_one(access: ServerAccess, servers: ModelServers) -> None:
    recorder = Recorder()
    servers.misbehave = gives(b"oops", status=503)
    with pytest.raises(RecognitionError):
        await recognise(access, recorder)
    tries: list[Span] = recorder.spans
    assert len(tries) > 1
    assert {(span.error, span.attributes["http.response.status_code"]) for span in tries} == {
        ("overloaded", 503)
    }
    resent = [span.attributes.get("http.request.resend_count", 0) for span in tries]
    assert resent == list(range(len(tries)))
    assert told(servers) == [span.context.traceparent for span in tries]


async def test_a_server_is_told_not_to_record(access: ServerAccess, servers: ModelServers) -> None:
    recorder = Recorder()
    await recognise(access, recorder, sampled=False)
    assert recorder.spans == []
    [traceparent] = told(servers)
    assert traceparent.startswith(f"00-{remote().trace_id.hex()}-")
    assert traceparent.endswith("-00")
