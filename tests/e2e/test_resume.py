"""Clients that lose their connection, or their worker, and go on with their conversation."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
from openai import AsyncOpenAI

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from loadtest.deployment.workers import workers_of
from tests.e2e.running_deployment import RunningDeployment, scraped, wait_until
from tests.e2e.test_websocket import Session
from tests.e2e.tier_process import Transceiver

PATIENCE_S = 30.0
QUESTION = "what time is it"
OPEN = 'antiphon_transceiver_calls{transport="websocket"}'


@asynccontextmanager
async def connected(url: str, key: str, **query: str) -> AsyncIterator[tuple[Session, Any]]:
    """A session, and what `session.created` shows of it."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key=key)
    connecting = client.realtime.connect(model="gpt-realtime", extra_query=query)
    async with asyncio.timeout(PATIENCE_S), connecting as made:
        created = await made.recv()
        assert created.type == "session.created"
        yield Session(made), created.session


async def vanish(session: Session) -> None:
    """As a client does whose network is gone."""
    session.connection._connection.transport.abort()
    await session.connection._connection.wait_closed()


async def ask(session: Session, words: str = QUESTION) -> Any:
    await session.write(words)
    await session.connection.response.create()
    return (await session.event("response.done")).response


async def remembered(session: Session, item_id: str) -> Any:
    await session.connection.conversation.item.retrieve(item_id=item_id)
    return (await session.event("conversation.item.retrieved")).item


@pytest.fixture(scope="module")
def another(deployment: RunningDeployment) -> Iterator[Transceiver]:
    """A transceiver that has its conversations kept by the deployment's."""
    wait_until(lambda: any("transceiver is ready" in line for line in deployment.log), "its log")
    peers = ",".join(deployment.report("transceiver")["tunnels"])
    transceiver = Transceiver(deployment, "--workers=2", f"--peers={peers}")
    assert transceiver.report
    yield transceiver
    transceiver.end()


async def test_a_socket_that_is_lost_is_resumed_at_another_worker(
    deployment: RunningDeployment, another: Transceiver
) -> None:
    async with connected(another.url, another.api_key) as (first, session):
        first_answer = await ask(first)
        heard = first.events[-1].event_id
        await first.write("thank you")
        added = await first.event("conversation.item.added")
        await vanish(first)
    query = {"resume": session.resume["token"], "last_event_id": heard}
    async with connected(deployment.url, another.api_key, **query) as (second, resumed):
        assert resumed.id == session.id
        assert resumed.resume["resumed"] == "replayed"
        assert resumed.resume["complete"]
        repeated = await second.event("conversation.item.added")
        assert repeated == added
        item = await remembered(second, first_answer.output[0].id)
        assert item.content == first_answer.output[0].content
        assert (await ask(second)).status == "completed"


async def test_a_conversation_outlives_its_worker(another: Transceiver) -> None:
    async with connected(another.url, another.api_key) as (first, session):
        answer = await ask(first)
        await asyncio.sleep(1.0)
        owner_of(another).kill()
    query = {"resume": session.resume["token"]}
    async with connected(another.url, another.api_key, **query) as (second, resumed):
        assert resumed.id == session.id
        assert resumed.resume["resumed"] == "restored"
        item = await remembered(second, answer.output[0].id)
        assert item.content == answer.output[0].content
        assert (await ask(second)).status == "completed"


def owners(transceiver: Transceiver) -> list[int]:
    """The workers that hold sessions."""
    samples = [scraped(f"http://{admin}/metrics") for admin in transceiver.report["admins"]]
    return [index for index, each in enumerate(samples) if each[OPEN]]


def owner_of(transceiver: Transceiver) -> psutil.Process:
    """The worker that holds the one session."""
    wait_until(lambda: len(owners(transceiver)) == 1, "the sessions of before are over")
    [index] = owners(transceiver)
    return sorted(workers_of(transceiver.process.pid), key=psutil.Process.create_time)[index]


class ResumedCall(RealtimeCall):
    """A call that goes on with another one's conversation."""

    def __init__(self, token: str, last_event_id: str) -> None:
        super().__init__()
        self._query = f"?resume={token}&last_event_id={last_event_id}"

    async def _post(self, url: str, api_key: str, offer: str, session: Mapping[str, object]) -> str:
        return await super()._post(url + self._query, api_key, offer, session)


async def ask_in_call(call: RealtimeCall) -> Mapping[str, Any]:
    """The answer's `response.done`."""
    since = len(call.events)
    part = {"type": "input_text", "text": QUESTION}
    item = {"type": "message", "role": "user", "content": [part]}
    call.send({"type": "conversation.item.create", "item": item})
    call.send({"type": "response.create"})
    done = await call.event("response.done", since=since, timeout_s=PATIENCE_S)
    return done.event


async def test_a_call_that_is_lost_goes_on_by_another_at_another_worker(
    deployment: RunningDeployment, another: Transceiver
) -> None:
    config = session_config(None)
    async with RealtimeCall() as first:
        await first.place(another.url, another.api_key, config)
        created = first.events[0].event["session"]
        done = await ask_in_call(first)
        async with ResumedCall(created["resume"]["token"], done["event_id"]) as second:
            await second.place(deployment.url, another.api_key, config)
            resumed = second.events[0].event["session"]
            assert resumed["id"] == created["id"]
            assert resumed["resume"]["resumed"] == "replayed"
            [item] = done["response"]["output"]
            second.send({"type": "conversation.item.retrieve", "item_id": item["id"]})
            retrieved = await second.event("conversation.item.retrieved", timeout_s=PATIENCE_S)
            assert retrieved.event["item"]["id"] == item["id"]
            assert (await ask_in_call(second))["response"]["status"] == "completed"


async def test_a_conversation_outlives_its_host(
    deployment: RunningDeployment, another: Transceiver
) -> None:
    # It comes last: the others need this host.
    async with connected(another.url, another.api_key) as (first, session):
        await first.connection.session.update(
            session={"type": "realtime", "instructions": "Be brief."}
        )
        answer = await ask(first)
        await asyncio.sleep(1.0)  # The copy is made meanwhile.
        another.end()
    query = {"resume": session.resume["token"]}
    async with connected(deployment.url, another.api_key, **query) as (second, resumed):
        assert resumed.id == session.id
        assert resumed.resume["resumed"] == "restored"
        assert resumed.instructions == "Be brief."
        item = await remembered(second, answer.output[0].id)
        assert item.content == answer.output[0].content
        assert (await ask(second)).status == "completed"
