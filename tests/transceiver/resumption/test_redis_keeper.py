"""Snapshots in a real Redis, and without it where it is gone, frozen or full."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Raw
from redis.asyncio import Redis

from chassis.host_port import HostPort
from tests.transceiver.resumption.continuities import KEYS, ORIGIN
from tests.transceiver.resumption.redis_server import RedisServer
from tests.transceiver.resumption.test_snapshot_keeping import Place, Record, Session
from tests.transceiver.resumption.test_snapshot_store import part
from transceiver.config import TransceiverConfig
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.counters import ResumptionCounters
from transceiver.resumption.keeper import Keeper
from transceiver.resumption.peer_messages import Fetched, Keep, Kept, Over
from transceiver.resumption.redis_keeper import REDIS, RedisKeeper, redis_url
from transceiver.resumption.resume_token import ResumeClaim
from transceiver.resumption.snapshot_store import KEPT_S
from transceiver.signaling.api_keys import ApiKey, KeyLimits
from transceiver.signaling.resuming import ResumeRequest
from transceiver.worker_resumption import WorkerResumption

NEVER = ("127.0.0.1", 1)
"""Nobody listens there."""
NOWHERE = Fetched()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    server.stop()


@pytest.fixture
def counters() -> ResumptionCounters:
    return ResumptionCounters()


@pytest.fixture
def others() -> Place:
    return Place()


@pytest.fixture
async def keeper(
    server: RedisServer, counters: ResumptionCounters, others: Place
) -> AsyncIterator[RedisKeeper]:
    keeper = RedisKeeper(server.url, others, counters)
    await keeper.probe()
    yield keeper
    await keeper.close()


async def fetched(keeper: Keeper, session_id: str = "sess_1") -> Fetched:
    return await keeper.fetch(session_id) or NOWHERE


async def test_parts_are_kept_in_order_and_forgotten_in_time(
    server: RedisServer, keeper: RedisKeeper
) -> None:
    assert keeper.place("sess_1", 0.0) == REDIS
    assert await keeper.keep(REDIS, Keep((part(1), part(2)))) == Kept()
    assert await keeper.keep(REDIS, Keep((part(3),))) == Kept()
    assert await fetched(keeper) == Fetched(1, (b"\1\1\1", b"\2\2\2", b"\3\3\3"))
    assert await fetched(keeper, "sess_2") == NOWHERE
    async with Redis.from_url(server.url) as redis:
        [key] = await redis.keys("antiphon:snapshot:*")
        assert 0 < await redis.ttl(key) <= KEPT_S
        await redis.expire(key, 10)
        await keeper.keep(REDIS, Keep(alive=("sess_1",)))
        assert await redis.ttl(key) > 10


async def test_who_misses_parts_says_so(keeper: RedisKeeper) -> None:
    assert await keeper.keep(REDIS, Keep((part(2),))) == Kept(("sess_1",))
    await keeper.keep(REDIS, Keep((part(1),)))
    assert await keeper.keep(REDIS, Keep((part(3),))) == Kept(("sess_1",))
    assert await keeper.keep(REDIS, Keep((part(2, generation=2),))) == Kept(("sess_1",))
    assert await keeper.keep(REDIS, Keep(alive=("sess_1", "sess_2"))) == Kept(("sess_2",))


async def test_who_was_before_does_not_undo_who_restored_it(keeper: RedisKeeper) -> None:
    await keeper.keep(REDIS, Keep((part(1, generation=5),)))
    assert await keeper.keep(REDIS, Keep((part(1, generation=4),))) == Kept()
    await keeper.keep(REDIS, Keep(over=(Over("sess_1", 4),)))
    assert (await fetched(keeper)).generation == 5
    await keeper.keep(REDIS, Keep((part(1, generation=6), part(2, generation=6))))
    assert await fetched(keeper) == Fetched(6, (b"\1\1\1", b"\2\2\2"))
    await keeper.keep(REDIS, Keep(over=(Over("sess_1", 6),)))
    assert await fetched(keeper) == NOWHERE


async def test_where_it_is_gone_others_keep_until_it_is_there_again(
    server: RedisServer,
    keeper: RedisKeeper,
    counters: ResumptionCounters,
    others: Place,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.stop()
    assert await keeper.keep(REDIS, Keep((part(1),))) is None
    place = keeper.place("sess_1", 0.0)
    assert place == others.place("sess_1", 0.0)
    assert await keeper.keep(place, Keep((part(1),))) == Kept()
    assert (await fetched(keeper)).parts
    await keeper.probe()
    await keeper.probe()
    assert counters.redis_failures == 3
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert server.url not in caplog.text
    await server.start()
    await keeper.probe()
    assert keeper.place("sess_1", 0.0) == REDIS


async def test_one_that_does_not_answer_stops_nobody(
    server: RedisServer, keeper: RedisKeeper
) -> None:
    server.freeze()
    asked = asyncio.gather(keeper.fetch("sess_1"), keeper.keep(REDIS, Keep((part(1),))))
    turns = 0
    while not asked.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 10
    assert asked.result() == [NOWHERE, None]
    assert keeper.place("sess_1", 0.0) != REDIS
    assert await keeper.fetch("sess_1") == NOWHERE
    server.thaw()


async def test_one_that_is_full_keeps_nothing(
    server: RedisServer, keeper: RedisKeeper, counters: ResumptionCounters
) -> None:
    server.stop()
    await server.start("--maxmemory", "1", "--maxmemory-policy", "noeviction")
    assert await keeper.keep(REDIS, Keep((part(1),))) is None
    await keeper.probe()
    assert not counters.redis_answers


async def test_what_no_worker_wrote_is_no_snapshot(
    server: RedisServer, keeper: RedisKeeper
) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.hset("antiphon:snapshot:sess_1", mapping={"generation": "x", "1": "y"})
        await redis.set("antiphon:snapshot:sess_2", "text")
    assert await fetched(keeper) == NOWHERE
    assert await fetched(keeper, "sess_2") == NOWHERE


async def test_a_conversation_outlives_the_only_worker(server: RedisServer) -> None:
    config = TransceiverConfig(
        advertise=HostPort(*NEVER),
        inference=ReplicaAddresses((HostPort(*NEVER),)),
        cluster_keys="",
        resume_redis=server.url,
    )
    first = WorkerResumption(config, KEYS, here=NEVER, siblings=[NEVER])
    running = asyncio.create_task(first.run())
    while not first.counters.redis_answers:
        await asyncio.sleep(0.01)
    running.cancel()
    async with first.connected():
        first.live.add(Session(Record("said")))
    async with Redis.from_url(server.url) as redis:
        assert b"said" not in b"".join((await redis.hgetall("antiphon:snapshot:sess_1")).values())
    second = WorkerResumption(config, KEYS, here=("127.0.0.1", 2), siblings=[])
    async with second.connected():
        running = asyncio.create_task(second.run())
        while not second.counters.redis_answers:
            await asyncio.sleep(0.01)
        claim = ResumeClaim("sess_1", NEVER, ORIGIN, 2**31)
        taken = await second.resuming.taken(
            ResumeRequest(claim, ApiKey("f" * 32, KeyLimits()), None)
        )
        running.cancel()
    assert taken.snapshot.session == Raw(b'"said"')


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    for url in ("redis://:secret@host:1", "rediss://host", "unix:///tmp/redis.sock"):
        assert redis_url(url) == url
    for url in ("http://:secret@host", "redis://", "secret"):
        with pytest.raises(ValueError, match=r"^expected redis://") as caught:
            redis_url(url)
        assert "secret" not in str(caught.value)
