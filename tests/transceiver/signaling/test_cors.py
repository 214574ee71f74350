from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Client, Server
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.cors import AllowedOrigins, cors_middleware

ORIGIN = {"Origin": "https://app.example"}
CALLS = "/v1/realtime/calls"


@pytest.mark.parametrize("path", [CALLS, "/v1/realtime/client_secrets", "/v1/anything"])
async def test_preflight(server: Server, path: str) -> None:
    headers = {
        **ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-openai-agents-sdk",
    }
    async with (
        aiohttp.ClientSession(server.url) as session,
        session.options(path, headers=headers) as response,
    ):
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert {"authorization", "content-type", "x-openai-agents-sdk"} <= set(allowed)


async def test_a_page_may_read_where_its_call_is(client: Client) -> None:
    headers = {**ORIGIN, "Content-Type": "application/sdp"}
    response = await client.post(CALLS, data=OFFER, headers=headers)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Location" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(("path", "status"), [(CALLS, 415), ("/v1/nothing", 404)])
async def test_a_page_may_read_why_it_failed(client: Client, path: str, status: int) -> None:
    response = await client.post(path, data="hello", headers=ORIGIN)
    assert response.status == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_playground_is_for_its_own_origin(client: Client) -> None:
    response = await client.get("/", headers=ORIGIN)
    assert "Access-Control-Allow-Origin" not in response.headers


SOME = AllowedOrigins.parse("https://app.example, http://localhost:3000")


@pytest.fixture
async def some_may() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[cors_middleware(SOME)])
    app.router.add_get("/v1/models", answer)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_only_origins_that_are_named_may_call_where_some_are(
    some_may: TestClient[web.Request, web.Application], method: str
) -> None:
    for origin in ("https://app.example", "http://localhost:3000"):
        response = await some_may.request(method, "/v1/models", headers={"Origin": origin})
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Vary"] == "Origin"
    for origin in ("https://evil.example", "https://app.example.evil.example", "null", ""):
        response = await some_may.request(method, "/v1/models", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("text", ["*", "https://app.example", "http://[::1]:80,https://b.example"])
def test_origins_are_a_setting(text: str) -> None:
    assert str(AllowedOrigins.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "app.example", "https://app.example/", "https://a.example,*", "null", "*.example"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected \* or origins"):
        AllowedOrigins.parse(text)


PLACES_A_CALL = """async ([server, key, offer]) => {
  const headers = {
    Authorization: `Bearer ${key}`,
    "Content-Type": "application/sdp",
    "X-OpenAI-Agents-SDK": "openai-agents-sdk.0.20.0",
  };
  const url = `${server}/v1/realtime/calls?model=echo`;
  const response = await fetch(url, { method: "POST", headers, body: offer });
  const seen = ["location", "retry-after", "x-request-id", "x-ratelimit-remaining-requests"];
  const values = seen.map((name) => response.headers.get(name));
  return { origin: location.origin, status: response.status, values, body: await response.text() };
}"""


@pytest.mark.browser
async def test_a_browser_lets_a_page_of_another_origin_place_a_call(
    browser: Browser, server: Server
) -> None:
    server.keys.become(ApiKeys([f"{API_KEY} requests-per-minute=2 sessions=1"]))
    page = await browser.new_page()
    # Another name makes another origin; the page there is only the way to have it.
    await page.goto(server.url.replace("127.0.0.1", "localhost") + "/healthz")
    placed, refused = [
        await page.evaluate(PLACES_A_CALL, [server.url, API_KEY, OFFER]) for _ in range(2)
    ]
    assert placed["origin"] != server.url
    assert placed["status"] == 201
    location, _retry_after, request_id, remaining = placed["values"]
    assert location == "/v1/realtime/calls/rtc_1"
    assert request_id.startswith("req_")
    assert remaining == "1"
    assert refused["status"] == 429
    assert refused["values"][1] == "5"
    assert "session_limit_exceeded" in refused["body"]
