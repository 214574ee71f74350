import random

import pytest
from openai.types.realtime import RealtimeTranscriptionSessionCreateResponse

from antiphon_proto.realtime.mcp import McpTool
from tests.transceiver.signaling.conftest import NOW, OFFER, Client, Server, error_of

PATH = "/v1/realtime/client_secrets"


async def test_mints_a_secret(client: Client) -> None:
    session = {"type": "realtime", "model": "echo", "instructions": "Be brief."}
    body = {"session": session, "expires_after": {"anchor": "created_at", "seconds": 60}}
    response = await client.post(PATH, json=body)
    assert response.status == 200
    created = await response.json()
    assert created["value"].startswith("ek_")
    assert created["expires_at"] == int(NOW) + 60
    assert created["session"]["object"] == "realtime.session"
    assert created["session"]["type"] == "realtime"
    assert created["session"]["id"].startswith("sess_")
    assert created["session"]["model"] == "echo"
    assert created["session"]["instructions"] == "Be brief."


async def test_mints_a_secret_for_transcripts(client: Client, server: Server) -> None:
    created = await (await client.post(PATH, json={"session": {"type": "transcription"}})).json()
    session = RealtimeTranscriptionSessionCreateResponse.model_validate(
        created["session"], strict=True
    )
    assert session.object == "realtime.transcription_session"
    assert "instructions" not in created["session"]
    headers = {"Content-Type": "application/sdp"}
    holder = client.with_key(created["value"])
    assert (await holder.post("/v1/realtime/calls", data=OFFER, headers=headers)).status == 201
    assert server.calls.sessions[0].type == "transcription"


async def test_the_secrets_of_an_mcp_server_are_bound_and_not_shown(
    client: Client, server: Server
) -> None:
    tool = {"type": "mcp", "server_label": "shop", "server_url": "https://shop.example/mcp"}
    tools = [{**tool, "authorization": "t0ken", "headers": {"X-Key": "k3y"}}]
    response = await client.post(PATH, json={"session": {"tools": tools}})
    created = await response.json()
    assert created["session"]["tools"] == [tool]
    headers = {"Content-Type": "application/sdp"}
    holder = client.with_key(created["value"])
    assert (await holder.post("/v1/realtime/calls", data=OFFER, headers=headers)).status == 201
    [bound] = server.calls.sessions[0].tools
    assert isinstance(bound, McpTool)
    assert (bound.authorization, bound.headers) == ("t0ken", {"X-Key": "k3y"})


async def test_a_wrong_definition_of_an_mcp_server_is_a_bad_request(client: Client) -> None:
    tools = [{"type": "mcp", "server_label": "shop", "connector_id": "connector_gmail"}]
    response = await client.post(PATH, json={"session": {"tools": tools}})
    assert (await error_of(response, 400))["param"] == "session.tools[0].connector_id"


@pytest.mark.parametrize("request_", [{}, {"json": {}}, {"json": {"expires_after": {}}}])
async def test_everything_is_optional(client: Client, request_: dict[str, object]) -> None:
    created = await (await client.post(PATH, **request_)).json()
    assert created["expires_at"] == int(NOW) + 600
    assert created["session"]["output_modalities"] == ["audio"]


async def test_two_secrets_differ(client: Client) -> None:
    values = {(await (await client.post(PATH, json={})).json())["value"] for _ in range(2)}
    assert len(values) == 2


async def test_a_secret_lives_until_it_expires(client: Client, server: Server) -> None:
    created = await (await client.post(PATH, json={"expires_after": {"seconds": 10}})).json()
    holder = client.with_key(created["value"])
    headers = {"Content-Type": "application/sdp"}
    server.clock.now = created["expires_at"] - 0.5
    assert (await holder.post("/v1/realtime/calls", data=OFFER, headers=headers)).status == 201
    server.clock.now = created["expires_at"] + 0.5
    response = await holder.post("/v1/realtime/calls", data=OFFER, headers=headers)
    error = await error_of(response, 401)
    assert error["code"] == "invalid_api_key"
    assert "expired" in str(error["message"])


async def test_a_secret_may_not_mint_another(client: Client) -> None:
    created = await (await client.post(PATH, json={})).json()
    response = await client.with_key(created["value"]).post(PATH, json={})
    error = await error_of(response, 403)
    assert error["code"] == "insufficient_permissions"


async def test_a_secret_carries_long_instructions(client: Client, server: Server) -> None:
    """The secret is longer than the 8 KiB that HTTP servers usually allow a header line."""
    instructions = random.Random(1).randbytes(30_000).hex()
    created = await (
        await client.post(PATH, json={"session": {"instructions": instructions}})
    ).json()
    assert len(created["value"]) > 32 * 1024
    headers = {"Content-Type": "application/sdp"}
    holder = client.with_key(created["value"])
    assert (await holder.post("/v1/realtime/calls", data=OFFER, headers=headers)).status == 201
    assert server.calls.sessions[0].instructions == instructions


async def test_instructions_that_no_header_can_carry_are_a_bad_request(client: Client) -> None:
    instructions = random.Random(1).randbytes(60_000).hex()
    response = await client.post(PATH, json={"session": {"instructions": instructions}})
    error = await error_of(response, 400)
    assert (error["code"], error["param"]) == ("session_too_long", "session")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{", None),
        ("[]", None),
        ("null", None),
        ('{"expires_after": {"seconds": 9}}', "expires_after.seconds"),
        ('{"expires_after": {"seconds": 7201}}', "expires_after.seconds"),
        ('{"expires_after": {"seconds": "60"}}', "expires_after.seconds"),
        ('{"expires_after": {"anchor": "now"}}', "expires_after.anchor"),
        ('{"session": null}', "session"),
        ('{"session": {"type": "translation"}}', "session.type"),
        ('{"session": {"type": "transcription", "tools": []}}', "session.tools"),
        ('{"session": {"output_modalities": ["smell"]}}', "session.output_modalities[0]"),
    ],
)
async def test_a_bad_request_names_its_parameter(
    client: Client, body: str, param: str | None
) -> None:
    headers = {"Content-Type": "application/json"}
    error = await error_of(await client.post(PATH, data=body, headers=headers), 400)
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"


async def test_other_content_types_are_refused(client: Client) -> None:
    await error_of(await client.post(PATH, data={"session": "{}"}), 415)


async def test_an_oversized_body_is_refused(client: Client) -> None:
    await error_of(await client.post(PATH, json={"session": {"instructions": "a" * 600_000}}), 413)
