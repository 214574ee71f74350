"""Applications beside a call's client, as OpenAI's own client for Python connects them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.test_forwarding import CALLS, OFFER, asked, connections
from tests.transceiver import official_shapes

__all__ = ["connections"]

PATIENCE_S = 30.0
QUESTION = "what is two plus three"


def written(words: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}


@asynccontextmanager
async def sideband(
    deployment: RunningDeployment, call_id: str
) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(base_url=f"{deployment.url}/v1", api_key=deployment.api_key)
    async with client.realtime.connect(call_id=call_id) as connection:
        assert (await connection.recv()).type == "session.created"
        yield connection


async def heard(connection: AsyncRealtimeConnection, type_: str) -> Any:
    """The next event of the type."""
    while (event := await connection.recv()).type != type_:
        pass
    return event


async def test_applications_and_a_client_share_a_call(deployment: RunningDeployment) -> None:
    """Several connections: some of them reach the worker that does not hold the call."""
    async with asyncio.timeout(PATIENCE_S), RealtimeCall() as call:
        await call.place(deployment.url, deployment.api_key, session_config(None))
        async with (
            sideband(deployment, call.call_id) as first,
            sideband(deployment, call.call_id) as second,
            sideband(deployment, call.call_id) as third,
        ):
            await first.session.update(session={"type": "realtime", "instructions": "Hm."})
            for connection in first, second, third:
                updated = await heard(connection, "session.updated")
                assert updated.session.instructions == "Hm."
            await second.response.cancel(event_id="mine")
            assert (await heard(second, "error")).error.event_id == "mine"
            await third.conversation.item.create(item=written(QUESTION))
            await third.response.create()
            for connection in first, second, third:
                done = await heard(connection, "response.done")
                assert "five" in done.response.output[0].content[0].transcript
            stopped = await call.event("output_audio_buffer.stopped", timeout_s=PATIENCE_S)
            for connection in first, second, third:
                told = await heard(connection, "output_audio_buffer.stopped")
                assert told.event_id == stopped.event["event_id"]
            assert call.find("session.updated") is not None
            assert call.find("error") is None
            await first.close()
            await hang_up(deployment, call.call_id)
            with pytest.raises(ConnectionClosed) as closed:
                await heard(second, "none")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1000


async def hang_up(deployment: RunningDeployment, call_id: str) -> None:
    client = AsyncOpenAI(base_url=f"{deployment.url}/v1", api_key=deployment.api_key)
    await client.realtime.calls.hangup(call_id)


async def test_each_worker_connects_to_the_others_call(
    deployment: RunningDeployment, connections: list[aiohttp.ClientSession]
) -> None:
    first, second = connections
    created = [await asked(each, "POST", f"{CALLS}?model=cascade", OFFER) for each in connections]
    for own, other, (_, _, location) in zip([first, second], [second, first], created, strict=True):
        call_id = location.rpartition("/")[2]
        path = f"/v1/realtime?call_id={call_id}"
        async with other.ws_connect(path) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "conversation.item.create", "item": written(QUESTION)})
            response = {"output_modalities": ["text"]}
            await socket.send_json({"type": "response.create", "response": response})
            while (event := await socket.receive_json())["type"] != "response.done":
                official_shapes.check(event)
            assert "five" in event["response"]["output"][0]["content"][0]["text"]
            assert (await asked(own, "POST", f"{location}/hangup"))[0] == 200
            assert (await socket.receive()).data == 1000
