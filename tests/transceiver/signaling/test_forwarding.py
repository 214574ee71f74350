"""Two workers: the fixtures' server, and another one that holds the call."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from tests.transceiver.signaling.conftest import (
    ANSWER,
    API_KEY,
    CLUSTER_KEYS,
    NOW,
    OFFER,
    WORKER,
    Client,
    RecordedCalls,
    Server,
    error_of,
)
from transceiver.sdp import OfferError, OfferFault
from transceiver.signaling import forwarding
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.http import forwarded_app
from transceiver.signaling.owner_link import MAX_ANSWER_BYTES

SDP = {"Content-Type": "application/sdp"}
FORGERS_KEYS = ClusterKeys.parse(f"0 ipv4 {'b2' * 32}")


def path_of(call_id: str) -> str:
    return f"/v1/realtime/calls/{call_id}"


@dataclass
class Owner:
    """The other worker, as far as requests forwarded to it go."""

    calls: RecordedCalls
    address: Address
    call_id: str


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    calls = RecordedCalls()
    app = forwarded_app(calls, ApiKeys([API_KEY]), ClientSecrets(CLUSTER_KEYS), clock=lambda: NOW)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address: Address = ("127.0.0.1", runner.addresses[0][1])
    call_id = CallIds(CLUSTER_KEYS).mint(address, bytes(12))
    calls.creators[call_id] = None
    yield Owner(calls, address, call_id)
    await runner.cleanup()


async def test_a_hang_up_reaches_the_worker_that_holds_the_call(
    client: Client, server: Server, owner: Owner
) -> None:
    response = await client.post(path_of(owner.call_id) + "/hangup")
    assert (response.status, response.content_length) == (200, 0)
    assert owner.calls.hung_up == [owner.call_id]
    assert server.calls.hung_up == []


async def test_so_does_an_offer_and_its_answer_comes_back(client: Client, owner: Owner) -> None:
    response = await client.post(path_of(owner.call_id), data=OFFER, headers=SDP)
    assert response.status == 200
    assert response.content_type == "application/sdp"
    assert await response.text() == ANSWER
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert owner.calls.renegotiated == [(owner.call_id, OFFER)]


async def test_the_owner_judges_the_key(client: Client, owner: Owner) -> None:
    response = await client.with_key("sk-guess").post(path_of(owner.call_id) + "/hangup")
    assert (await error_of(response, 401))["code"] == "invalid_api_key"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert owner.calls.hung_up == []


async def test_an_error_comes_back_as_the_owner_words_it(client: Client, owner: Owner) -> None:
    owner.calls.failure = OfferError(OfferFault.FORMAT_CHANGED, "another format")
    error = await error_of(await client.post(path_of(owner.call_id), data=OFFER, headers=SDP), 400)
    assert (error["code"], error["param"]) == ("sdp_format_changed", "sdp")


async def test_an_owner_that_has_no_such_call_says_so(client: Client, owner: Owner) -> None:
    del owner.calls.creators[owner.call_id]
    error = await error_of(await client.post(path_of(owner.call_id) + "/hangup"), 404)
    assert error["code"] == "call_not_found"


async def test_a_worker_that_is_gone_had_no_calls(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        gone: Address = bound.getsockname()
    call_id = CallIds(CLUSTER_KEYS).mint(gone, bytes(12))
    error = await error_of(await client.post(path_of(call_id) + "/hangup"), 404)
    assert error["code"] == "call_not_found"


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MAX_ANSWER_BYTES + 1)


@pytest.mark.parametrize(
    "behaviour", [b"", b"no HTTP\r\n\r\n", ENDLESS], ids=["silent", "strange", "endless"]
)
async def test_a_worker_that_does_not_answer_is_not_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch, behaviour: bytes
) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(behaviour)
        await reader.read()
        writer.close()

    monkeypatch.setattr(forwarding, "TIMEOUT", forwarding.aiohttp.ClientTimeout(total=0.2))
    listening = await asyncio.start_server(behave, "127.0.0.1", 0)
    async with listening:
        call_id = CallIds(CLUSTER_KEYS).mint(listening.sockets[0].getsockname(), bytes(12))
        response = await client.post(path_of(call_id) + "/hangup")
    assert (await error_of(response, 503))["code"] == "call_unreachable"
    assert response.headers["Retry-After"] == "1"


async def test_nobody_else_chooses_where_a_connection_goes(client: Client) -> None:
    reached: list[object] = []
    listening = await asyncio.start_server(lambda *ends: reached.append(ends), "127.0.0.1", 0)
    async with listening:
        address = listening.sockets[0].getsockname()
        real = CallIds(CLUSTER_KEYS).mint(address, bytes(12))
        forged = CallIds(FORGERS_KEYS).mint(address, bytes(12))
        for call_id in forged, real[:-1], real + "A", f"{address[0]}:{address[1]}", "rtc_":
            error = await error_of(await client.post(path_of(call_id) + "/hangup"), 404)
            assert error["code"] == "call_not_found"
    assert reached == []


async def test_a_forwarded_request_is_not_forwarded_again(client: Client, owner: Owner) -> None:
    """Although its id names a third worker."""
    third = CallIds(CLUSTER_KEYS).mint(("127.0.0.1", 9), bytes(12))
    host, port = owner.address
    async with client.session.post(
        f"http://{host}:{port}{path_of(third)}/hangup", headers=client.authorization
    ) as response:
        assert response.status == 404


async def test_an_id_of_this_worker_is_answered_here(client: Client, server: Server) -> None:
    mine = CallIds(CLUSTER_KEYS).mint(WORKER, bytes(12))
    await error_of(await client.post(path_of(mine) + "/hangup"), 404)
    server.calls.creators[mine] = None
    assert (await client.post(path_of(mine) + "/hangup")).status == 200


async def test_other_workers_may_ask_for_nothing_but_calls(owner: Owner, client: Client) -> None:
    host, port = owner.address
    for method, path in (
        ("POST", "/v1/realtime/calls"),
        ("POST", "/v1/realtime/client_secrets"),
        ("GET", "/v1/models"),
        ("GET", "/"),
    ):
        async with client.session.request(
            method, f"http://{host}:{port}{path}", headers=client.authorization
        ) as response:
            assert response.status == 404
