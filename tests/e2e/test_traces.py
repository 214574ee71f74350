"""A call's trace through all tiers, and its log, as an operator's collectors get them."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from tests.e2e.otlp_collector import ReceivedSpan, Traces, otlp_collector
from tests.e2e.running_deployment import running_deployment, wait_until
from tests.e2e.speech import Speaker
from tests.e2e.stand_in_model import stand_in_model

PAGE = Path(__file__).parents[2] / "docs" / "traces.md"
PATIENCE_S = 30.0
QUESTION = "spell cat"
ANSWER = "Half past nine."
ONE_WAY = ("uplink_wait", "endpointing", "asr", "trunk", "brain", "tts", "trunk", "pacing")
PARTS = ["transport", *ONE_WAY, "transport"]
CLIENT, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def traced() -> Iterator[SimpleNamespace]:
    """A deployment with a collector, a language model's server, and lines of JSON."""
    with stand_in_model() as model, otlp_collector() as traces:
        variables = {
            "ANTIPHON_OTLP_ENDPOINT": traces.url,
            "ANTIPHON_OTLP_HEADERS": "x-scope=ours",
            "ANTIPHON_TRACE_ATTRIBUTES": "k8s.pod.name=a-pod",
            "ANTIPHON_LOG_FORMAT": "json",
            # It is there at once, where the general one takes seconds.
            "ANTIPHON_ASR_VOCABULARY": "domain",
        }
        flags = (f"--llm-url={model.url}", "--llm-model=m")
        with running_deployment(*flags, variables=variables) as running:
            yield SimpleNamespace(running=running, traces=traces, model=model)


def root(traces: Traces, call_id: str) -> ReceivedSpan:
    """The span of a call; waits for it, and so for what was before its end."""

    def found() -> list[ReceivedSpan]:
        sessions = traces.named("session")
        return [span for span in sessions if span.attributes["antiphon.call.id"] == call_id]

    wait_until(found, "the call's span", PATIENCE_S)
    return found()[0]


def lines(traced: SimpleNamespace) -> list[dict[str, Any]]:
    """Everything that the deployment has logged, each line an object."""
    return [json.loads(line) for line in traced.running.log]


@dataclass(frozen=True)
class SpokenTurn:
    """A call in which one thing was said and answered, when its trace had come."""

    session: ReceivedSpan
    created: dict[str, Any]
    done: dict[str, Any]
    answer: str
    """The SDP."""


@pytest.fixture(scope="module")
def spoken(traced: SimpleNamespace, speaker: Speaker) -> SpokenTurn:
    async def place() -> tuple[RealtimeCall, dict[str, Any], dict[str, Any]]:
        session = session_config(None) | {"instructions": ANSWER}
        async with RealtimeCall() as call:
            await call.place(traced.running.url, traced.running.api_key, session)
            call.microphone.say(speaker.say(QUESTION))
            done = await call.event("response.done", timeout_s=PATIENCE_S)
            created = await call.event("session.created", timeout_s=PATIENCE_S)
            return call, created.event["session"], done.event["response"]

    call, created, done = asyncio.run(place())
    session = root(traced.traces, call.call_id)
    wait_until(lambda: traced.traces.named("respond"), "the replica's spans", PATIENCE_S)
    return SpokenTurn(session, created, done, call.answer)


def test_the_spans_of_a_spoken_turn(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    tree = traced.traces.tree(spoken.session)
    # What was begun in a pause, and then not asked for.
    tree.pop("answer", None)
    brain = {"chat m": {"POST /chat/completions": {}}}
    assert spoken.session.parent_id == ""
    assert tree == {
        "setup": {"engine": {}, "connect": {}},
        "first_audio": {},
        "turn": {
            "latency": {part: {} for part in PARTS},
            "respond": {"asr": {}, "answer": {"brain": brain, "tts": {}}},
        },
    }


def test_a_turn_says_what_its_response_is(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    [turn] = traced.traces.named("turn")
    assert turn.attributes == {
        "antiphon.call.id": spoken.session.attributes["antiphon.call.id"],
        "antiphon.latency_ms": int(spoken.done["metadata"]["antiphon_latency_ms"]),
        "antiphon.response.status": "completed",
        "gen_ai.conversation.id": spoken.created["id"],
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.output.type": "speech",
        "gen_ai.provider.name": "antiphon",
        "gen_ai.request.model": spoken.created["model"],
        "gen_ai.response.id": spoken.done["id"],
        "gen_ai.usage.input_tokens": spoken.done["usage"]["input_tokens"],
        "gen_ai.usage.output_tokens": spoken.done["usage"]["output_tokens"],
    }


def test_the_latency_is_the_ledgers(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    [latency] = traced.traces.named("latency")
    parts = traced.traces.below(latency)
    assert [part.name for part in parts] == PARTS
    assert (parts[0].start_ns, parts[-1].end_ns) == (latency.start_ns, latency.end_ns)
    assert all(before.end_ns == after.start_ns for before, after in pairwise(parts))
    measured_ms = (latency.end_ns - latency.start_ns) / 1e6
    told_ms = int(spoken.done["metadata"]["antiphon_latency_ms"])
    assert measured_ms == pytest.approx(told_ms, abs=1)


def test_spans_name_their_process(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    of_call = [s for s in traced.traces.spans if s.trace_id == spoken.session.trace_id]
    services = {span.name: span.service for span in of_call}
    assert services["latency"] == "antiphon-transceiver"
    assert services["respond"] == services["POST /chat/completions"] == "antiphon-inference"
    assert {span.resource["k8s.pod.name"] for span in of_call} == {"a-pod"}
    assert {headers["x-scope"] for headers in traced.traces.headers} == {"ours"}


def test_a_model_server_is_told_of_the_trace(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    requests = traced.traces.named("POST /chat/completions")
    told = {f"00-{span.trace_id}-{span.span_id}-01" for span in requests}
    assert told
    assert told <= set(traced.model.traceparents)


async def test_a_client_that_traces_has_the_call_in_its_trace(traced: SimpleNamespace) -> None:
    running = traced.running
    headers = {
        "Authorization": f"Bearer {running.api_key}",
        "traceparent": f"00-{CLIENT}-{CLIENT_SPAN}-01",
    }
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(f"{running.url}/v1/realtime?model=echo") as socket,
    ):
        created = await socket.receive_json(timeout=PATIENCE_S)
    session_id = created["session"]["id"]

    def ours() -> list[ReceivedSpan]:
        sessions = traced.traces.named("session")
        return [s for s in sessions if s.attributes["gen_ai.conversation.id"] == session_id]

    wait_until(ours, "the session's span", PATIENCE_S)
    assert (ours()[0].trace_id, ours()[0].parent_id) == (CLIENT, CLIENT_SPAN)


async def test_a_client_that_does_not_record_is_not_recorded(traced: SimpleNamespace) -> None:
    running, traces = traced.running, traced.traces
    before = len(traces.named("session"))
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {running.api_key}"}
    ) as http:
        for flags in ("00", "01"):
            traceparent = {"traceparent": f"00-{CLIENT}-{CLIENT_SPAN}-{flags}"}
            url = f"{running.url}/v1/realtime?model=echo"
            async with http.ws_connect(url, headers=traceparent) as socket:
                await socket.receive_json(timeout=PATIENCE_S)
    wait_until(lambda: len(traces.named("session")) > before, "the second session", PATIENCE_S)
    assert len(traces.named("session")) == before + 1


def test_the_page_names_every_span_and_attribute(
    traced: SimpleNamespace, spoken: SpokenTurn
) -> None:
    page = PAGE.read_text()
    of_call = [s for s in traced.traces.spans if s.trace_id == spoken.session.trace_id]
    names = {span.name.partition(" ")[0] for span in of_call}
    attributes = {key for span in of_call for key in span.attributes}
    assert {name for name in names if name not in page} == set()
    assert {key for key in attributes if f"`{key}`" not in page} == set()


def test_lines_of_the_log_name_call_and_trace(traced: SimpleNamespace, spoken: SpokenTurn) -> None:
    sessions = {
        s.attributes["antiphon.call.id"]: s.trace_id for s in traced.traces.named("session")
    }
    about = [line for line in lines(traced) if line.get("call_id") in sessions]
    assert {(line["call_id"], line["trace_id"]) for line in about} == set(sessions.items())
    assert {line["tier"] for line in about} == {"transceiver", "inference"}
    assert {"time", "level", "tier", "logger", "message"} <= set.intersection(
        *(set(line) for line in lines(traced))
    )


def test_neither_tells_what_was_said_or_to_whom(
    traced: SimpleNamespace, spoken: SpokenTurn
) -> None:
    told = b"".join(traced.traces.bodies) + "\n".join(traced.running.log).encode()
    secrets = set(re.findall(r"a=(?:ice-ufrag|ice-pwd|fingerprint):(\S+ ?\S+)", spoken.answer))
    assert len(secrets) == 3
    for said in (ANSWER, QUESTION, traced.running.api_key, *secrets):
        assert said.encode() not in told
