"""What a key may use of a worker, as its clients see it."""

import logging

import openai
import pytest

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Client, Server, error_of
from transceiver.sdp import OfferError, OfferFault
from transceiver.signaling.api_keys import ApiKeys

CALLS, SECRETS, MODELS = "/v1/realtime/calls", "/v1/realtime/client_secrets", "/v1/models"
SDP = {"Content-Type": "application/sdp"}
OTHER_KEY = "sk-other-9876543210"


@pytest.fixture
def limited(server: Server) -> Server:
    """The server, with two keys that have limits of their own."""
    limits = "sessions=2 requests-per-minute=6"
    server.keys.become(ApiKeys([f"{API_KEY} {limits}", f"{OTHER_KEY} {limits}"]))
    return server


async def secret_of(client: Client) -> str:
    return str((await (await client.post(SECRETS)).json())["value"])


async def test_a_key_that_has_no_limit_hears_of_none(client: Client, server: Server) -> None:
    for _ in range(50):
        response = await client.get(MODELS)
        assert response.status == 200
    assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.usefixtures("limited")
async def test_every_response_says_what_is_left(client: Client) -> None:
    first = await client.get(MODELS)
    assert first.headers["x-ratelimit-limit-requests"] == "6"
    assert first.headers["x-ratelimit-remaining-requests"] == "5"
    assert first.headers["x-ratelimit-reset-requests"] == "10000ms"
    failed = await client.post(CALLS, data="no offer", headers=SDP)
    assert failed.status == 400
    assert failed.headers["x-ratelimit-remaining-requests"] == "4"
    for name in ("x-ratelimit-remaining-requests", "Retry-After"):
        assert name in failed.headers["Access-Control-Expose-Headers"]


async def test_requests_that_come_too_fast_are_put_off(client: Client, limited: Server) -> None:
    for _ in range(6):
        assert (await client.get(MODELS)).status == 200
    response = await client.get(MODELS)
    error = await error_of(response, 429)
    assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
    assert response.headers["Retry-After"] == "10"
    assert response.headers["x-ratelimit-remaining-requests"] == "0"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert (await client.with_key(OTHER_KEY).get(MODELS)).status == 200
    limited.clock.now += 10
    assert (await client.get(MODELS)).status == 200
    assert (await client.get(MODELS)).status == 429


@pytest.mark.usefixtures("limited")
async def test_a_client_secrets_requests_are_its_keys(client: Client) -> None:
    holder = client.with_key(await secret_of(client))
    for _ in range(5):
        assert (await holder.get(MODELS)).status == 200
    assert (await holder.get(MODELS)).status == 429
    assert (await client.get(MODELS)).status == 429
    assert (await client.with_key(OTHER_KEY).get(MODELS)).status == 200


@pytest.mark.usefixtures("limited")
async def test_strangers_use_up_nothing(client: Client) -> None:
    for _ in range(20):
        assert (await client.with_key("sk-stranger").get(MODELS)).status == 401
    assert (await client.get(MODELS)).headers["x-ratelimit-remaining-requests"] == "5"


async def test_a_key_has_so_many_calls_and_no_more(client: Client, limited: Server) -> None:
    holder = client.with_key(await secret_of(client))
    assert (await holder.post(CALLS, data=OFFER, headers=SDP)).status == 201
    assert (await client.post(CALLS, data=OFFER, headers=SDP)).status == 201
    for refused in (client, holder):
        response = await refused.post(CALLS, data=OFFER, headers=SDP)
        error = await error_of(response, 429)
        assert (error["code"], error["type"]) == ("session_limit_exceeded", "rate_limit_error")
        assert response.headers["Retry-After"] == "5"
    other = client.with_key(OTHER_KEY)
    assert (await other.post(CALLS, data=OFFER, headers=SDP)).status == 201
    limited.calls.endings[0]()
    assert (await client.post(CALLS, data=OFFER, headers=SDP)).status == 201


async def test_an_offer_that_fails_holds_no_session(client: Client, limited: Server) -> None:
    for failure in (OfferError(OfferFault.FORMAT_CHANGED, "no"), RuntimeError("a defect")):
        limited.calls.failure = failure
        for _ in range(2):
            assert (await client.post(CALLS, data=OFFER, headers=SDP)).status in (400, 500)
    limited.calls.failure = None
    for _ in range(2):
        assert (await client.post(CALLS, data=OFFER, headers=SDP)).status == 201


async def test_a_key_that_is_not_listed_any_more_takes_its_secrets_along(
    client: Client, limited: Server
) -> None:
    holder = client.with_key(await secret_of(client))
    limited.keys.become(ApiKeys([OTHER_KEY]))
    for gone in (client, holder):
        assert (await error_of(await gone.get(MODELS), 401))["code"] == "invalid_api_key"


async def test_openais_client_waits_as_long_as_it_is_told(limited: Server) -> None:
    key = ApiKeys([f"{API_KEY} requests-per-minute=120"])
    limited.keys.become(key)
    async with openai.AsyncOpenAI(
        base_url=f"{limited.url}/v1", api_key=API_KEY, max_retries=0
    ) as client:
        for _ in range(120):
            await client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            await client.models.list()
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "1"


@pytest.mark.usefixtures("limited")
async def test_no_key_reaches_the_log(
    client: Client, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await secret_of(client)
    server.calls.failure = RuntimeError("a defect")
    keys = [API_KEY, secret, OTHER_KEY, "sk-unknown-123456", "ek_unknown-123456"]
    for key in keys:
        for path in (CALLS, SECRETS, f"{CALLS}/rtc_1/hangup", "/v1/nothing"):
            await client.with_key(key).post(path, data=OFFER, headers=SDP)
    assert caplog.records
    for key in keys:
        assert key not in caplog.text
        assert repr(key.encode())[2:-1] not in caplog.text
