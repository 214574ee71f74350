"""POST /v1/realtime/calls as JSON: a call by SIP to somebody."""

import pytest

from tests.transceiver.signaling.conftest import Client, Server, error_of
from transceiver.signaling.calls import WantedCall, WantedCallError

CALLS = "/v1/realtime/calls"


async def test_a_call_goes_out(client: Client, server: Server) -> None:
    sip = {"to": "+15550199", "from": "+15550100", "trunk": "carrier", "ring_seconds": 30}
    body = {"sip": {**sip, "greeting": "Hello."}, "session": {"instructions": "Be kind."}}
    answer = await client.post(CALLS, json=body)
    assert answer.status == 201
    assert answer.headers["Location"] == f"{CALLS}/rtc_out"
    assert await answer.json() == {"id": "rtc_out", "object": "realtime.call"}
    [wanted] = server.calls.wanted
    assert wanted == WantedCall("+15550199", "+15550100", "carrier", "Hello.", 30.0)
    assert server.calls.sessions[-1].instructions == "Be kind."


async def test_a_session_may_be_left_out(client: Client, server: Server) -> None:
    answer = await client.post(CALLS, json={"sip": {"target_uri": "sip:desk@antiphon"}})
    assert answer.status == 201
    assert server.calls.wanted == [WantedCall("sip:desk@antiphon")]


@pytest.mark.parametrize(
    "sip",
    [
        {},
        {"to": "1", "target_uri": "tel:1"},
        {"to": ""},
        {"to": "sip:a@b\r\nX: y"},
        {"to": "<sip:a@b>"},
        {"to": "sip:a b"},
        {"to": "1" * 3000},
        {"to": "1", "from": 'x"@y'},
        {"to": "1", "ring_seconds": 0},
        {"to": "1", "ring_seconds": 1000},
        {"to": 1},
        "tel:1",
    ],
)
async def test_what_nobody_can_be_called_by_is_refused(
    client: Client, server: Server, sip: object
) -> None:
    error = await error_of(await client.post(CALLS, json={"sip": sip}), 400)
    assert str(error["param"]).startswith("sip")
    assert server.calls.wanted == []


async def test_the_reason_is_told(client: Client, server: Server) -> None:
    server.calls.failure = WantedCallError("No.", "sip.trunk")
    error = await error_of(await client.post(CALLS, json={"sip": {"to": "1"}}), 400)
    assert (error["code"], error["param"]) == ("sip_target_invalid", "sip.trunk")


async def test_only_the_holder_of_a_key_calls(client: Client, server: Server) -> None:
    secret = await client.post("/v1/realtime/client_secrets", json={})
    browser = client.with_key((await secret.json())["value"])
    await error_of(await browser.post(CALLS, json={"sip": {"to": "1"}}), 403)
    await error_of(await client.with_key("sk-no").post(CALLS, json={"sip": {"to": "1"}}), 401)
    assert server.calls.wanted == []
