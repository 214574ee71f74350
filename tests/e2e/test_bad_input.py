"""What must be refused, and must harm nobody."""

import asyncio
import json
import random
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from antiphon.echo_call import echo_delay_ms
from tests.e2e.running_deployment import RunningDeployment, wait_until

OFFER = (Path(__file__).parents[1] / "vectors" / "offer_chromium156_audio_dc.sdp").read_text()
SECRETS_OF_OFFER = re.findall("a=(?:ice-pwd|fingerprint):(.*)", OFFER)
SHORTEST_SECRET_S = 10


@pytest.fixture
async def http(deployment: RunningDeployment) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {deployment.api_key}"}
    async with aiohttp.ClientSession(deployment.url, headers=headers) as session:
        yield session
    for process in deployment.processes():
        assert process.is_running()


async def refused(response: aiohttp.ClientResponse, status: int) -> dict[str, str | None]:
    """The error's fields, of an answer that has OpenAI's shape and gives nothing away."""
    text = await response.text()
    assert response.status == status, text
    assert response.content_type == "application/json"
    body = json.loads(text)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    for leak in ("Traceback", 'File "', ".py", "sk-antiphon", *SECRETS_OF_OFFER):
        assert leak not in text
    return body["error"]


def without(text: str, *starts: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(starts)]
    return "\r\n".join(lines) + "\r\n"


OFFERS = {
    "empty": "",
    "not an SDP": "hello",
    "cut short": OFFER[: len(OFFER) // 3],
    "binary": "\x00\x01\x02v=0\r\n",
    "oversized": OFFER + "a=x:" + "y" * 70_000 + "\r\n",
    "without audio": OFFER[: OFFER.index("m=audio")] + OFFER[OFFER.index("m=application") :],
    "without a fingerprint": without(OFFER, "a=fingerprint"),
    "without ICE credentials": without(OFFER, "a=ice-ufrag", "a=ice-pwd"),
    "a video call": OFFER.replace("m=audio", "m=video"),
}


@pytest.mark.parametrize("name", OFFERS)
@pytest.mark.parametrize("form", [False, True], ids=["raw", "form"])
async def test_an_offer_that_cannot_be_answered(
    http: aiohttp.ClientSession, name: str, form: bool
) -> None:
    if form:
        data = aiohttp.FormData({"sdp": OFFERS[name], "session": '{"type": "realtime"}'})
        data._is_multipart = True
        request = http.post("/v1/realtime/calls", data=data)
    else:
        headers = {"Content-Type": "application/sdp"}
        request = http.post("/v1/realtime/calls", data=OFFERS[name].encode(), headers=headers)
    async with request as response:
        error = await refused(response, 400)
    assert error["type"] == "invalid_request_error"


async def test_a_body_larger_than_any_offer(http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/sdp"}
    body = b"v" * 5_000_000
    async with http.post("/v1/realtime/calls", data=body, headers=headers) as response:
        await refused(response, 413)


async def test_a_session_that_cannot_be_read(http: aiohttp.ClientSession) -> None:
    for session in ("{", "[]", '{"type": "realtime", "audio": 7}', '{"type": "banana"}'):
        data = aiohttp.FormData()
        data.add_field("sdp", OFFER, content_type="application/sdp")
        data.add_field("session", session, content_type="application/json")
        async with http.post("/v1/realtime/calls", data=data) as response:
            await refused(response, 400)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer sk-antiphon-wrong", "Bearer ek_x", "Basic x"]
)
async def test_an_unknown_key(deployment: RunningDeployment, authorization: str | None) -> None:
    headers = {"Content-Type": "application/sdp"}
    if authorization is not None:
        headers["Authorization"] = authorization
    async with (
        aiohttp.ClientSession(deployment.url, headers=headers) as http,
        http.post("/v1/realtime/calls", data=OFFER.encode()) as response,
    ):
        error = await refused(response, 401)
    assert error["code"] == "invalid_api_key"


async def test_a_client_secret_is_taken_until_it_expires(http: aiohttp.ClientSession) -> None:
    wish = {
        "expires_after": {"anchor": "created_at", "seconds": SHORTEST_SECRET_S},
        "session": {"type": "realtime", "model": "echo"},
    }
    async with http.post("/v1/realtime/client_secrets", json=wish) as response:
        assert response.status == 200
        secret = (await response.json())["value"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/sdp"}
    call = "/v1/realtime/calls"
    async with http.post(call, data=OFFER.encode(), headers=headers) as response:
        assert response.status == 201
    await asyncio.sleep(SHORTEST_SECRET_S + 1)
    async with http.post(call, data=OFFER.encode(), headers=headers) as response:
        await refused(response, 401)


async def test_a_secret_that_was_tampered_with(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/realtime/client_secrets", json={}) as response:
        secret = (await response.json())["value"]
    other = "A" if secret[-5] != "A" else "B"
    headers = {
        "Authorization": f"Bearer {secret[:-5]}{other}{secret[-4:]}",
        "Content-Type": "application/sdp",
    }
    async with http.post("/v1/realtime/calls", data=OFFER.encode(), headers=headers) as response:
        await refused(response, 401)


async def test_a_url_that_is_not_served(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/realtime/nothing") as response:
        await refused(response, 404)
    async with http.get("/v1/realtime/calls") as response:
        await refused(response, 405)


def hostile_datagrams() -> list[bytes]:
    """Random bytes, and truncations of what each protocol's packets begin with."""
    noise = random.Random(1)
    stun = bytes.fromhex("000100002112a442") + bytes(12)
    named = bytes.fromhex("000100282112a442") + bytes(12) + b"\x00\x06\x00\x20" + b"x" * 32
    datagrams = [b"", stun, named, b"\x80\x6f" + bytes(10), b"\x16\xfe\xfd" + bytes(60)]
    datagrams += [packet[:size] for packet in (stun, named) for size in range(len(packet))]
    datagrams += [noise.randbytes(noise.randrange(1, 1400)) for _ in range(300)]
    return datagrams


def dropped(deployment: RunningDeployment) -> dict[str, float]:
    name = "antiphon_relay_dropped_packets_total"
    return {key: n for key, n in deployment.metrics("relay").items() if key.startswith(name)}


async def test_noise_on_the_public_port_is_counted_and_never_answered(
    deployment: RunningDeployment,
) -> None:
    before = dropped(deployment)
    datagrams = hostile_datagrams()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(deployment.public)
        sender.setblocking(False)
        for datagram in datagrams:
            sender.send(datagram)
            await asyncio.sleep(0.0005)  # paced, so that the kernel drops none
        wait_until(
            lambda: sum(dropped(deployment).values()) - sum(before.values()) >= len(datagrams),
            "every datagram counted as dropped",
        )
        with pytest.raises(BlockingIOError):
            sender.recv(2048)
    reasons = {key for key, n in dropped(deployment).items() if n > before[key]}
    assert len(reasons) >= 4
    assert await echo_delay_ms(deployment.url, deployment.api_key) < 5000
