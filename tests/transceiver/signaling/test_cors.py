from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.transceiver.signaling.conftest import OFFER, Client, Server
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
