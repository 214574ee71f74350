"""WebSocket callers against Antiphon, and against servers that are none."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest
from aiohttp import WSMsgType, web

from loadtest.callers.fleet import FleetContext, FleetError, Target
from loadtest.callers.websocket.fleet import WebSocketFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.scenario import (
    CallerProfile,
    Expect,
    Kind,
    Load,
    Network,
    Scenario,
    Talk,
    TalkModel,
)
from tests.free_ports import free_port
from tests.loadtest.called_deployment import AGENT, ECHO, CalledDeployment
from tests.loadtest.placed_calls import place_calls, stop_a_call

ASKS = CallerProfile(
    kind=Kind.WEBSOCKET,
    talk=Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, pause_seconds=0.2),
)
SPEAKS = CallerProfile(
    kind=Kind.WEBSOCKET,
    talk=Talk(model=TalkModel.ON_OFF, expect=Expect.ECHO, spurt_seconds=1.5, patience_seconds=1.0),
)


def failures(found: Interval) -> list[Failure]:
    return [each.reason for each in found.failures]


async def test_questions_are_asked_and_answered(deployment: CalledDeployment) -> None:
    found = await place_calls(WebSocketFleet, deployment.target(AGENT), ASKS, calls=2, seconds=9)
    assert failures(found) == []
    counts = found.counts
    assert counts[Count.CALLS_SET_UP] == counts[Count.CALLS_ENDED] == 2
    assert counts[Count.TURNS_RIGHT] >= 2
    assert Count.TURNS_WRONG not in counts
    assert counts[Count.FRAMES_RECEIVED] > 50
    for latency in (Latency.SET_UP, Latency.VOICE_TO_VOICE, Latency.TURN_ENDPOINTING):
        assert found.latencies[latency].count >= 2
    assert found.sessions == 0


async def test_answers_are_interrupted(deployment: CalledDeployment) -> None:
    talk = msgspec.structs.replace(ASKS.talk, barge_in=1.0, barge_in_seconds=0.3)
    profile = msgspec.structs.replace(ASKS, talk=talk)
    found = await place_calls(WebSocketFleet, deployment.target(AGENT), profile, seconds=9)
    assert failures(found) == []
    assert found.counts[Count.BARGE_INS] >= 1
    assert found.latencies[Latency.BARGE_IN].count >= 1
    assert Count.ERRORS_RECEIVED not in found.counts


async def test_a_wrong_key_is_refused(deployment: CalledDeployment) -> None:
    target = replace(deployment.target(AGENT), api_key="wrong")
    found = await place_calls(WebSocketFleet, target, ASKS)
    assert [(each.reason, each.detail) for each in found.failures] == [
        (Failure.REFUSED, "HTTP 401")
    ]
    assert found.counts[Count.CALLS_FAILED] == 1
    assert Count.CALLS_SET_UP not in found.counts


async def test_who_says_nothing_is_told(deployment: CalledDeployment) -> None:
    """As the engine `echo` over a WebSocket."""
    found = await place_calls(WebSocketFleet, deployment.target(ECHO), SPEAKS, seconds=4)
    assert failures(found) == [Failure.NO_MEDIA]
    assert Count.CALLS_ENDED not in found.counts


async def test_nobody_is_there() -> None:
    target = Target(http=f"http://127.0.0.1:{free_port()}")
    found = await place_calls(WebSocketFleet, target, ASKS)
    assert failures(found) == [Failure.UNREACHABLE]


Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


async def hang_up(websocket: web.WebSocketResponse) -> None:
    await websocket.send_str('{"type": "session.created", "session": {}}')
    await websocket.close(code=1012)


async def greet_wrongly(websocket: web.WebSocketResponse) -> None:
    await websocket.send_str('{"type": "session.updated", "session": {}}')
    await websocket.receive()


async def babble(websocket: web.WebSocketResponse) -> None:
    await websocket.send_str('{"type": "session.created", "session": {}}')
    await websocket.send_str("{")
    await websocket.receive()


async def echo(websocket: web.WebSocketResponse) -> None:
    """The caller's audio, in one response that never ends."""
    await websocket.send_str('{"type": "session.created", "session": {}}')
    names = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            audio = json.loads(message.data)["audio"]
            delta = {"type": "response.output_audio.delta", "delta": audio, **names}
            await websocket.send_str(json.dumps(delta))


async def hum(websocket: web.WebSocketResponse) -> None:
    """Something that is no echo."""
    await websocket.send_str('{"type": "session.created", "session": {}}')
    names = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    number = 0
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            length = len(b64decode(json.loads(message.data)["audio"])) // 4
            number += 1
            audio = b64encode((b"\x00\x20\x00\xe0" if number // 7 % 2 else bytes(4)) * length)
            delta = {"type": "response.output_audio.delta", "delta": audio.decode(), **names}
            await websocket.send_str(json.dumps(delta))


@asynccontextmanager
async def stand_in(serve: Serve) -> AsyncIterator[Target]:
    """A server of the API that does nothing but this."""

    async def accept(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        await serve(websocket)
        return websocket

    app = web.Application()
    app.router.add_get("/v1/realtime", accept)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield Target(http=f"http://{host}:{port}")
    await runner.cleanup()


@pytest.mark.parametrize(
    ("serve", "reason", "detail"),
    [
        (hang_up, Failure.ENDED_EARLY, "1012"),
        (greet_wrongly, Failure.BAD_ANSWER, "session.updated instead of session.created"),
        (babble, Failure.BAD_ANSWER, "truncated"),
    ],
)
async def test_a_server_that_misbehaves(serve: Serve, reason: Failure, detail: str) -> None:
    async with stand_in(serve) as target:
        found = await place_calls(WebSocketFleet, target, ASKS, seconds=20)
    [failed] = found.failures
    assert failed.reason is reason
    assert detail in failed.detail
    assert found.sessions == 0


@pytest.mark.parametrize(
    ("serve", "right", "wrong"),
    [(echo, Count.TURNS_RIGHT, Count.TURNS_WRONG), (hum, Count.TURNS_WRONG, Count.TURNS_RIGHT)],
)
async def test_an_echo_is_told_from_a_hum(serve: Serve, right: Count, wrong: Count) -> None:
    talk = Talk(model=TalkModel.TURNS, expect=Expect.ECHO, pause_seconds=0.1)
    profile = CallerProfile(kind=Kind.WEBSOCKET, talk=talk)
    async with stand_in(serve) as target:
        found = await place_calls(WebSocketFleet, target, profile, seconds=5)
    assert failures(found) == []
    assert found.counts[right] >= 1
    assert wrong not in found.counts


async def test_who_is_told_to_stop_hangs_up() -> None:
    async with stand_in(echo) as target:
        found = await stop_a_call(WebSocketFleet, target, SPEAKS)
    assert failures(found) == []
    assert found.counts[Count.CALLS_ENDED] == 1
    assert found.sessions == 0


@pytest.mark.parametrize(
    ("target", "network", "named"),
    [
        (Target(http="ws://127.0.0.1"), Network(), "http:"),
        (Target(certificate_authority="/no/such/file"), Network(), "/no/such/file"),
        (Target(), Network(loss=0.1), "network"),
    ],
)
async def test_what_could_never_work_is_told_at_once(
    target: Target, network: Network, named: str
) -> None:
    profile = CallerProfile(kind=Kind.WEBSOCKET, network=network)
    scenario = Scenario(name="test", load=Load(sessions=1), callers=(profile,))
    fleet = WebSocketFleet(FleetContext(target, scenario, Measures()))
    with pytest.raises(FleetError, match=named):
        await fleet.start()
