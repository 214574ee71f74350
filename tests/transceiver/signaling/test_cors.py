import aiohttp
import pytest

from tests.transceiver.signaling.conftest import OFFER, Client, Server

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
