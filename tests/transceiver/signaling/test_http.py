import pytest

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Client, Server, error_of


async def test_lists_the_models(client: Client) -> None:
    body = await (await client.get("/v1/models")).json()
    assert body["object"] == "list"
    assert [entry["id"] for entry in body["data"]] == ["cascade", "echo"]
    assert {entry["object"] for entry in body["data"]} == {"model"}


async def test_health(client: Client, server: Server) -> None:
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200
    server.unready = "the engine is away"
    response = await client.get("/readyz")
    assert response.status == 503
    assert "the engine is away" in await response.text()
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/v1/realtime/calls"),
        ("post", "/v1/realtime/calls/rtc_1/hangup"),
        ("post", "/v1/realtime/client_secrets"),
        ("get", "/v1/models"),
    ],
)
@pytest.mark.parametrize("key", ["sk-unknown", "ek_unknown"])
async def test_every_endpoint_asks_for_a_key(
    client: Client, server: Server, method: str, path: str, key: str
) -> None:
    stranger = client.with_key(key)
    response = await (stranger.post(path) if method == "post" else stranger.get(path))
    error = await error_of(response, 401)
    assert error["code"] == "invalid_api_key"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert server.calls.offers == server.calls.hung_up == []


async def test_accepts_the_headers_of_official_clients(client: Client) -> None:
    headers = {
        "Content-Type": "application/sdp",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj_1",
        "OpenAI-Safety-Identifier": "user-1",
        "X-OpenAI-Agents-SDK": "openai-agents-sdk.0.20.0",
    }
    response = await client.post("/v1/realtime/calls", data=OFFER, headers=headers)
    assert response.status == 201


async def test_a_key_in_the_url_is_not_taken(client: Client) -> None:
    stranger = client.with_key("")
    await error_of(await stranger.get(f"/v1/models?api_key={API_KEY}"), 401)
