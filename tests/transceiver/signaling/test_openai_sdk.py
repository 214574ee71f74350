"""The official Python SDK against the real application, with nothing changed but its URL."""

from collections.abc import AsyncIterator

import openai
import pytest

from tests.transceiver.signaling.conftest import ANSWER, API_KEY, NOW, OFFER, Server
from transceiver.signaling.calls import CallRefusedError, RefusalReason


@pytest.fixture
async def sdk(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=API_KEY, base_url=f"{server.url}/v1", max_retries=0
    ) as client:
        yield client


async def test_places_a_call_with_a_session(sdk: openai.AsyncOpenAI, server: Server) -> None:
    response = await sdk.realtime.calls.with_raw_response.create(
        sdp=OFFER,
        session={"type": "realtime", "model": "gpt-realtime-2.1", "tracing": "auto"},
    )
    assert response.text == ANSWER
    assert response.headers["location"].rpartition("/")[2] == "rtc_1"
    assert server.calls.offers == [OFFER]
    assert server.calls.sessions[0].model == "gpt-realtime-2.1"


async def test_places_a_call_without_a_session(sdk: openai.AsyncOpenAI, server: Server) -> None:
    answer = await sdk.realtime.calls.create(sdp=OFFER)
    assert answer.text == ANSWER
    assert server.calls.offers == [OFFER]


async def test_creates_a_client_secret_and_calls_with_it(
    sdk: openai.AsyncOpenAI, server: Server
) -> None:
    secret = await sdk.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 120},
        session={
            "type": "realtime",
            "model": "echo",
            "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}},
            "tools": [{"type": "function", "name": "now", "parameters": {"type": "object"}}],
        },
    )
    assert secret.expires_at == int(NOW) + 120
    assert secret.session.type == "realtime"
    assert secret.session.audio.input.turn_detection.type == "semantic_vad"
    holder = sdk.with_options(api_key=secret.value)
    await holder.realtime.calls.create(sdp=OFFER)
    assert server.calls.sessions[0].model == "echo"
    assert server.calls.sessions[0].tools[0].name == "now"


async def test_hangs_up(sdk: openai.AsyncOpenAI, server: Server) -> None:
    await sdk.realtime.calls.create(sdp=OFFER)
    await sdk.realtime.calls.hangup("rtc_1")
    assert server.calls.hung_up == ["rtc_1"]


async def test_lists_models(sdk: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in sdk.models.list()] == ["cascade", "echo"]


async def test_raises_the_errors_that_the_sdk_documents(
    sdk: openai.AsyncOpenAI, server: Server
) -> None:
    with pytest.raises(openai.BadRequestError) as bad_request:
        await sdk.realtime.calls.create(sdp="hello")
    assert bad_request.value.param == "sdp"
    assert bad_request.value.request_id
    with pytest.raises(openai.AuthenticationError) as unauthorised:
        await sdk.with_options(api_key="sk-no").realtime.calls.create(sdp=OFFER)
    assert unauthorised.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        await sdk.realtime.calls.hangup("rtc_9")
    server.calls.failure = CallRefusedError(RefusalReason.RATE_LIMITED)
    with pytest.raises(openai.RateLimitError):
        await sdk.realtime.calls.create(sdp=OFFER)
