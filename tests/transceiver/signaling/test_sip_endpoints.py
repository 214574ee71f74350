"""What SIP calls alone can be told, before calls that do it and calls that cannot."""

from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI

from tests.transceiver.call_table_driver import Worker
from tests.transceiver.signaling.conftest import API_KEY, Client, Server, error_of
from transceiver.signaling.calls import CallNotFoundError, NotSipError

PATH = "/v1/realtime/calls/rtc_sip/"


@pytest.fixture(autouse=True)
def ringing(server: Server) -> None:
    server.calls.creators["rtc_sip"] = None


async def test_openais_client_accepts_rejects_and_refers(server: Server) -> None:
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key=API_KEY, max_retries=0)
    calls = client.realtime.calls
    await calls.accept("rtc_sip", type="realtime", instructions="Be brief.", model="cascade")
    await calls.reject("rtc_sip")
    await calls.reject("rtc_sip", status_code=486)
    await calls.refer("rtc_sip", target_uri="tel:+14155550123")
    await calls.refer("rtc_sip", target_uri="sip:agent@example.com;transport=tls")
    assert server.calls.sip == [
        ("rtc_sip", "accept", "Be brief."),
        ("rtc_sip", "reject", 603),
        ("rtc_sip", "reject", 486),
        ("rtc_sip", "refer", "tel:+14155550123"),
        ("rtc_sip", "refer", "sip:agent@example.com;transport=tls"),
    ]


@pytest.mark.parametrize(
    ("action", "body", "code", "param"),
    [
        ("accept", {}, "missing_required_parameter", "type"),
        ("accept", {"type": "transcription"}, "invalid_value", "type"),
        ("accept", {"type": "realtime", "tools": 1}, "invalid_value", "session.tools"),
        ("reject", {"status_code": 200}, "invalid_value", "status_code"),
        ("reject", {"status_code": "603"}, "invalid_value", "status_code"),
        ("refer", {}, "missing_required_parameter", "target_uri"),
        ("refer", {"target_uri": "http://example.com"}, "invalid_value", "target_uri"),
        ("refer", {"target_uri": "sip:a@b\r\nVia: c"}, "invalid_value", "target_uri"),
        ("refer", {"target_uri": "tel:1\n"}, "invalid_value", "target_uri"),
        ("refer", {"target_uri": "tel:" + "1" * 4096}, "invalid_value", "target_uri"),
    ],
)
async def test_what_cannot_be_done_is_told(
    client: Client, server: Server, action: str, body: dict[str, Any], code: str, param: str
) -> None:
    error = await error_of(await client.post(PATH + action, json=body), 400)
    assert (error["code"], error["param"]) == (code, param)
    assert server.calls.sip == []


@pytest.mark.parametrize("action", ["accept", "reject", "refer"])
async def test_who_may_not_is_told(client: Client, server: Server, action: str) -> None:
    body = {"type": "realtime", "target_uri": "tel:1"}
    await error_of(await client.with_key("sk-wrong").post(PATH + action, json=body), 401)
    gone = await client.post(f"/v1/realtime/calls/rtc_gone/{action}", json=body)
    assert (await error_of(gone, 404))["code"] == "call_not_found"
    server.calls.failure = NotSipError()
    error = await error_of(await client.post(PATH + action, json=body), 400)
    assert error["code"] == "not_a_sip_call"


async def test_openais_client_says_what_is_wrong(server: Server) -> None:
    server.calls.failure = NotSipError()
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key=API_KEY, max_retries=0)
    with pytest.raises(APIStatusError) as refused:
        await client.realtime.calls.refer("rtc_sip", target_uri="tel:1")
    assert (refused.value.status_code, refused.value.code) == (400, "not_a_sip_call")


async def test_webrtc_calls_are_none_of_these() -> None:
    worker = Worker()
    call_id = (await worker.call()).call_id
    for known, error in ((call_id, NotSipError), ("rtc_gone", CallNotFoundError)):
        with pytest.raises(error):
            worker.factory.refer(known, "tel:1")
        with pytest.raises(error):
            worker.factory.reject(known, 603)
    worker.calls.close_all()
