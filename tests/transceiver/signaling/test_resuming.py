"""Who may go on with a session, before a worker that knows of none."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from msgspec import Raw

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from tests.transceiver.resumption.continuities import continuities
from tests.transceiver.signaling.conftest import (
    API_KEY,
    CLUSTER_KEYS,
    NOW,
    OFFER,
    RecordedCalls,
    bearer,
    forwarding,
)
from transceiver.config import TransceiverConfig
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.peer_messages import (
    MAX_MESSAGE_BYTES,
    Letter,
    PeerSeal,
    Take,
    Taken,
)
from transceiver.resumption.peers import PATH
from transceiver.resumption.resume_token import ResumeClaim
from transceiver.resumption.snapshot import Snapshot
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.calls import CallRefusedError, RefusalReason
from transceiver.signaling.client_secret import BoundSession, ClientSecrets
from transceiver.signaling.http import signaling_app
from transceiver.worker_resumption import WorkerResumption

HERE = ("127.0.0.1", 1)
"""Nobody listens there."""
SECRETS = ClientSecrets(CLUSTER_KEYS)
KEY = ApiKeys([API_KEY])


def secret(nonce: bytes) -> str:
    [issuer] = KEY._keys
    return SECRETS.mint(BoundSession(b"{}", int(NOW) + 600, issuer), nonce)


MINE, ANOTHER = secret(b"m" * 12), secret(b"a" * 12)


@pytest.fixture
def calls() -> RecordedCalls:
    return RecordedCalls()


@pytest.fixture
def resumption() -> WorkerResumption:
    config = TransceiverConfig(
        advertise=HostPort("127.0.0.1", 1),
        inference=ReplicaAddresses((HostPort("127.0.0.1", 1),)),
        cluster_keys="",
    )
    return WorkerResumption(config, CLUSTER_KEYS, here=HERE, siblings=[])


@pytest.fixture
async def http(
    calls: RecordedCalls, resumption: WorkerResumption
) -> AsyncIterator[aiohttp.ClientSession]:
    app = signaling_app(
        calls,
        KEY,
        SECRETS,
        lambda: None,
        *forwarding(HERE, lambda _call_id: True),
        resuming=resumption.resuming,
        clock=lambda: NOW,
    )
    app.add_routes(resumption.peer_endpoint.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with resumption.connected(), aiohttp.ClientSession(f"http://{host}:{port}") as session:
        yield session
    await runner.cleanup()


def token(key: str, expires_at: float = 4e9) -> str:
    authenticator = Authenticator(KEY, SECRETS, lambda: NOW)
    origin = authenticator.identify(f"Bearer {key}").origin
    claim = ResumeClaim("sess_1", HERE, origin, int(expires_at))
    return continuities().tokens.mint(claim, bytes(12))


def posted(http: aiohttp.ClientSession, resume: str, key: str) -> Any:
    headers = {**bearer(key), "Content-Type": "application/sdp"}
    params = {"resume": resume}
    return http.post("/v1/realtime/calls", params=params, data=OFFER, headers=headers)


async def refusal(http: aiohttp.ClientSession, resume: str, key: str) -> tuple[int, Any, Any]:
    async with posted(http, resume, key) as response:
        error = (await response.json())["error"]
        return response.status, error["code"], error["param"]


async def test_a_session_is_for_whoever_made_it_and_for_api_keys(
    http: aiohttp.ClientSession,
) -> None:
    not_found = (404, "session_not_found", "resume")
    assert await refusal(http, token(MINE), MINE) == not_found
    assert await refusal(http, token(MINE), API_KEY) == not_found
    assert await refusal(http, token(MINE), ANOTHER) == (403, "insufficient_permissions", None)
    assert await refusal(http, token(API_KEY), MINE) == (403, "insufficient_permissions", None)
    assert await refusal(http, token(MINE), "sk-guess") == (401, "invalid_api_key", None)


async def test_what_is_no_token_or_an_old_one_is_refused_to_who_has_a_key(
    http: aiohttp.ClientSession,
) -> None:
    assert await refusal(http, "resume_x", API_KEY) == (400, "invalid_value", "resume")
    assert await refusal(http, "resume_x", "sk-guess") == (401, "invalid_api_key", None)
    assert (await refusal(http, token(MINE, expires_at=1), MINE))[0] == 404


async def test_peers_are_those_with_the_clusters_keys(http: aiohttp.ClientSession) -> None:
    for body in (b"", b"x" * 100):
        async with http.post(PATH, data=body) as response:
            assert response.status == 404


async def test_what_a_peer_asked_is_not_heeded_again(
    http: aiohttp.ClientSession, resumption: WorkerResumption
) -> None:
    """Whoever records a request that ends a session ends no other one by it."""
    seal = PeerSeal(CLUSTER_KEYS)

    async def taken(request: bytes) -> int:
        """What of the session the answer brings; -1 for a refusal."""
        resumption.live.put_back("sess_1", TakenUp(Snapshot(session=Raw(b"{}"))))
        async with http.post(PATH, data=request) as response:
            if response.status != 200:
                return -1
            answer = seal.open_answer(await response.read())
            assert isinstance(answer, Taken)
            return len(answer.snapshot)

    def asked(owner: str, age_s: float, nonce: bytes) -> bytes:
        return seal.seal_request(Letter(time.time() - age_s, Take("sess_1", owner)), nonce)

    here = f"{HERE[0]}:{HERE[1]}"
    request = asked(here, 0.0, b"a" * 12)
    assert await taken(request) > 0
    assert await taken(request) == -1
    assert await taken(asked(here, 61.0, b"b" * 12)) == -1
    assert await taken(asked(here, -70.0, b"c" * 12)) == -1
    assert await taken(asked("127.0.0.1:2", 0.0, b"d" * 12)) == 0
    assert resumption.live.find("sess_1") is not None


async def test_requests_of_nobody_knows_whom_take_so_much_memory_and_no_more(
    http: aiohttp.ClientSession,
) -> None:
    never = asyncio.Event()

    async def trickle() -> AsyncIterator[bytes]:
        yield b"x"
        await never.wait()

    async def send() -> int:
        headers = {"Content-Length": str(MAX_MESSAGE_BYTES)}
        async with http.post(PATH, data=trickle(), headers=headers) as response:
            return response.status

    sending = [asyncio.create_task(send()) for _ in range(5)]
    done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [503]
    for task in sending:
        task.cancel()
    await asyncio.wait(sending)
    while (await refused_body(http)) == 503:
        await asyncio.sleep(0.01)


async def refused_body(http: aiohttp.ClientSession) -> int:
    async with http.post(PATH, data=bytes(MAX_MESSAGE_BYTES)) as response:
        return response.status


async def test_a_conversation_outlives_attempts_that_are_refused(
    http: aiohttp.ClientSession, calls: RecordedCalls, resumption: WorkerResumption
) -> None:
    snapshot = Snapshot(session=Raw(msgspec.json.encode(RealtimeSession(id="sess_1"))))
    resumption.live.put_back("sess_1", TakenUp(snapshot))
    calls.failure = CallRefusedError(RefusalReason.AT_CAPACITY)
    for _ in range(2):
        assert (await refusal(http, token(API_KEY), API_KEY))[0] == 503
    calls.failure = None
    async with posted(http, token(API_KEY), API_KEY) as response:
        assert response.status == 201
    [session] = calls.sessions
    assert session.id == "sess_1"
    assert (await refusal(http, token(API_KEY), API_KEY))[0] == 404
