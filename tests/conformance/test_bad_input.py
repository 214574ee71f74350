"""Whatever a client sends: the documented error, for its own session alone, which goes on."""

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings

from tests.conformance.bad_input import (
    MINE,
    VALID,
    events_with_one_fault,
    nested,
    no_events,
    not_base64,
)
from tests.conformance.clients import Client, Event, SessionClosedError, session
from tests.conformance.scenario import Transport
from tests.conformance.stage import Stage, raised_stage
from tests.transceiver import official_shapes
from tests.transceiver.event_rules import EventRules

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTED = set(
    re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs" / "api.md").read_text())
)
PROBE = "probe"
MEBIBYTE = 1 << 20
anything = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Session:
    """Of one client, all of whose events are held to the SDK's shapes and to the rules."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._rules = EventRules()

    async def event(self) -> Event:
        event = await self.client.event()
        official_shapes.check(event)
        self._rules.take(event)
        return event

    async def answers_to(self, *messages: str | bytes) -> list[Event]:
        """All that the server says to them; that it then answers a probe shows that it goes on."""
        for message in messages:
            await self.client.send(message)
        probe = {"type": "conversation.item.retrieve", "item_id": PROBE, "event_id": PROBE}
        await self.client.send(json.dumps(probe))
        answers: list[Event] = []
        while True:
            event = await self.event()
            if event["type"] == "error" and event["error"]["event_id"] == PROBE:
                return answers
            answers.append(event)

    async def error_of(self, message: str | bytes) -> dict[str, Any]:
        """The one error that is all of the answer."""
        answers = await self.answers_to(message)
        assert [answer["type"] for answer in answers] == ["error"], answers
        return checked(answers[0])


def checked(error: Event) -> dict[str, Any]:
    details: dict[str, Any] = error["error"]
    assert details["type"] == "invalid_request_error"
    assert details["code"] in DOCUMENTED, f"docs/api.md does not tell of {details['code']}"
    assert details["message"]
    return details


@asynccontextmanager
async def opened(
    stage: Stage, transport: Transport = Transport.WEBSOCKET
) -> AsyncIterator[Session]:
    async with session(stage, transport, "scripted") as client:
        made = Session(client)
        assert (await made.event())["type"] == "session.created"
        if transport is not Transport.SIDEBAND:
            assert (await made.event())["type"] == "conversation.created"
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with raised_stage() as raised:
        yield raised


@pytest_asyncio.fixture(loop_scope="module")
async def witness(stage: Stage) -> AsyncIterator[None]:
    """Another session of the worker notices nothing."""
    async with opened(stage) as other:
        yield
        [updated] = await other.answers_to('{"type": "session.update", "session": {}}')
        assert updated["type"] == "session.updated"
    assert not [line for line in stage.log if "ERROR" in line or "Traceback" in line]


@anything
@given(message=no_events)
async def test_what_is_no_event(stage: Stage, witness: None, message: str | bytes) -> None:
    async with opened(stage) as made:
        await made.error_of(message)


@anything
@given(event=events_with_one_fault())
async def test_an_event_with_one_fault(stage: Stage, witness: None, event: dict[str, Any]) -> None:
    """Where it is refused, that is all; an event of every type must take some faults."""
    async with opened(stage) as made:
        answers = await made.answers_to(json.dumps(event))
        errors = [checked(answer) for answer in answers if answer["type"] == "error"]
        assert len(errors) <= 1
        if errors:
            assert len(answers) == 1
            readable = isinstance(event.get("event_id"), str)
            assert errors[0]["event_id"] == (event["event_id"] if readable else None)


@pytest_asyncio.fixture(params=[Transport.WEBRTC, Transport.SIDEBAND], loop_scope="module")
async def call(stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Session]:
    """One for all that a test tries: calls cost more than WebSockets."""
    async with opened(stage, request.param) as made:
        yield made


@settings(anything, max_examples=50)
@given(message=no_events)
async def test_what_is_no_event_on_a_call(call: Session, message: str | bytes) -> None:
    await call.error_of(message)


@settings(anything, max_examples=50)
@given(event=events_with_one_fault())
async def test_an_event_with_one_fault_on_a_call(call: Session, event: dict[str, Any]) -> None:
    answers = await call.answers_to(json.dumps(event))
    assert len([checked(each) for each in answers if each["type"] == "error"]) <= 1


async def test_every_event_is_taken_as_it_is(stage: Stage, witness: None) -> None:
    """Else a fault in it would prove nothing."""
    for event in VALID:
        async with opened(stage) as made:
            answers = await made.answers_to(json.dumps({**event, "event_id": MINE}))
            codes = [checked(answer)["code"] for answer in answers if answer["type"] == "error"]
            assert not set(codes) & {"invalid_value", "invalid_json", "unknown_parameter"}, event


@anything
@given(audio=not_base64)
async def test_audio_that_is_no_base64(stage: Stage, witness: None, audio: str) -> None:
    event = {"type": "input_audio_buffer.append", "audio": audio, "event_id": MINE}
    async with opened(stage) as made:
        error = await made.error_of(json.dumps(event))
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "audio", MINE)


def appended(audio: bytes, **members: str) -> str:
    event = {"type": "input_audio_buffer.append", "audio": b64encode(audio).decode(), **members}
    return json.dumps(event)


async def test_more_than_fifteen_mebibytes_of_audio(stage: Stage, witness: None) -> None:
    async with opened(stage) as made:
        error = await made.error_of(appended(bytes(16 * MEBIBYTE)))
        assert error["code"] == "event_too_large"


# A data channel's peer is told how large a message may be, and sends no larger one.
@pytest.mark.parametrize("transport", [Transport.WEBSOCKET, Transport.SIDEBAND])
async def test_an_event_without_audio_that_is_too_large(
    stage: Stage, witness: None, transport: Transport
) -> None:
    update = {"type": "session.update", "session": {"instructions": "x" * 300_000}}
    async with opened(stage, transport) as made:
        error = await made.error_of(json.dumps(update))
        assert error["code"] == "event_too_large"


async def test_a_message_that_is_larger_than_any_event(stage: Stage, witness: None) -> None:
    async with opened(stage) as made:
        with pytest.raises(SessionClosedError) as closed:
            await made.answers_to(appended(bytes(25 * MEBIBYTE)))
    assert closed.value.code == 1009


async def test_audio_at_a_hundred_times_real_time(stage: Stage, witness: None) -> None:
    """It is taken as it can be, and the session's other events behind it."""
    async with opened(stage) as made:
        second = appended(bytes(48_000))
        assert await made.answers_to(*[second] * 30) == []


async def test_more_audio_than_a_session_may_be_ahead(stage: Stage, witness: None) -> None:
    formats = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    async with opened(stage) as made:
        await made.answers_to(json.dumps({"type": "session.update", "session": formats}))
        error = await made.error_of(appended(bytes(8_000 * 660), event_id=MINE))
        assert (error["code"], error["event_id"]) == ("rate_limit_exceeded", MINE)


async def test_a_thousand_items_and_more(stage: Stage, witness: None) -> None:
    """The oldest are forgotten, and the newest are there."""

    def creation(number: int) -> str:
        message = {"type": "message", "role": "user", "id": f"n{number}"}
        part = {"type": "input_text", "text": str(number)}
        return json.dumps(
            {"type": "conversation.item.create", "item": {**message, "content": [part]}}
        )

    async with opened(stage) as made:
        answers = await made.answers_to(*map(creation, range(1100)))
        assert [a["type"] for a in answers].count("conversation.item.done") == 1100
        for number, type_ in (0, "error"), (1099, "conversation.item.retrieved"):
            retrieve = {"type": "conversation.item.retrieve", "item_id": f"n{number}"}
            [answer] = await made.answers_to(json.dumps(retrieve))
            assert answer["type"] == type_


@pytest.mark.parametrize("depth", [100, 400, 1000, 20_000])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        '{{"type": "session.update", "session": {}}}',
        '{{"type": "session.update", "session": {{"tracing": {}}}}}',
        '{{"type": "session.update", "session": {{"tools": [{{"type": "function", "name": "f",'
        ' "parameters": {}}}]}}}}',
        '{{"type": "response.create", "response": {{"metadata": {}}}}}',
        '{{"type": "response.create", "response": {{"input": {}}}}}',
        '{{"type": "conversation.item.create", "item": {}}}',
    ],
)
async def test_deep_nesting(stage: Stage, witness: None, around: str, depth: int) -> None:
    async with opened(stage) as made:
        answers = await made.answers_to(around.format(nested(depth)))
        assert [answer["type"] for answer in answers] in (["error"], ["session.updated"])
        assert depth < 1000 or answers[0]["type"] == "error"
