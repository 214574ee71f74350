"""What a browser lets a page of another origin do."""

import pytest
from playwright.async_api import Browser

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Server
from transceiver.signaling.api_keys import ApiKeys

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

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
