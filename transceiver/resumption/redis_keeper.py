"""Snapshots kept in Redis, which outlives all workers; by other workers while it does not answer.

Under `antiphon:snapshot:SESSION` is a hash: `generation`, and each sealed part by its number.
The `redis` package (antiphon[redis]) is imported where a URL asks for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from transceiver.resumption.counters import ResumptionCounters
from transceiver.resumption.keeper import Keeper
from transceiver.resumption.peer_messages import Fetched, Keep, Kept
from transceiver.resumption.snapshot_store import KEPT_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

TIMEOUT_S = 1.0
"""For each step of a connection, and for all of what is asked at once."""

PROBE_S = 5.0
"""Between two looks whether it answers."""

PREFIX = "antiphon:"
_PROBE = PREFIX + "probe"
_GENERATION = b"generation"

_KEEP = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'generation') or '-1')
local generation, number = tonumber(ARGV[1]), tonumber(ARGV[2])
if generation < stored then return 1 end
if number == 1 then
  redis.call('HSET', KEYS[1], 'generation', ARGV[1])
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'generation', ARGV[1])
elseif generation > stored or redis.call('HLEN', KEYS[1]) ~= number then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
"""As `SnapshotStore` does; whether all parts are there.

One that is full refuses a script only before its first change, and never refuses DEL: HSET is
the first everywhere."""

_FORGET = """
local stored = redis.call('HGET', KEYS[1], 'generation')
if stored and tonumber(stored) <= tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
return 1
"""

REDIS = "redis"
"""The place that it is."""


class RedisKeeper:
    """`run` it: a Redis that does not answer is asked for nothing but signs of life."""

    def __init__(self, url: str, others: Keeper, counters: ResumptionCounters) -> None:
        """`others` keep what Redis does not."""
        self._redis = _connected_to(url)
        self._others = others
        self._counters = counters
        self._silent = False

    async def run(self) -> None:
        """Follow whether it answers, for ever."""
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_S)

    async def probe(self) -> None:
        """Ask it to keep something for a moment."""
        written = await self._ask(lambda: self._redis.set(_PROBE, b"", ex=int(PROBE_S)))
        if written is not None and not self._counters.redis_answers:
            self._counters.redis_answers, self._silent = True, False
            logger.info("Redis keeps conversations")

    async def close(self) -> None:
        await self._redis.aclose()

    def place(self, session_id: str, now: float) -> Hashable | None:
        if self._counters.redis_answers:
            return REDIS
        return self._others.place(session_id, now)

    async def keep(self, place: Hashable, request: Keep) -> Kept | None:
        if place != REDIS:
            return await self._others.keep(place, request)
        answers = await self._ask(lambda: self._keep(request))
        if answers is None:
            return None
        told = [*(part.session_id for part in request.parts), *request.alive]
        incomplete = [each for each, whole in zip(told, answers, strict=False) if not whole]
        return Kept(tuple(dict.fromkeys(incomplete)))

    async def fetch(self, session_id: str) -> Fetched | None:
        """The newest of what Redis and the others have."""
        here, elsewhere = await asyncio.gather(
            self._fetch(session_id), self._others.fetch(session_id)
        )
        found = [each for each in (here, elsewhere) if each is not None]
        return max(found, key=lambda each: (each.generation, len(each.parts)), default=None)

    async def _fetch(self, session_id: str) -> Fetched | None:
        if not self._counters.redis_answers:
            return None
        answer = await self._ask(lambda: self._redis.hgetall(_key(session_id)))
        return _fetched(cast(Mapping[bytes, bytes], answer)) if answer else None

    async def _keep(self, request: Keep) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        ttl = int(KEPT_S)
        for part in request.parts:
            key = _key(part.session_id)
            pipe.eval(_KEEP, 1, key, part.generation, part.number, part.sealed, ttl)
        for session_id in request.alive:
            pipe.expire(_key(session_id), ttl)
        for over in request.over:
            pipe.eval(_FORGET, 1, _key(over.session_id), over.generation)
        return await pipe.execute()

    async def _ask(self, asked: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis answers; None where it does not, which is said once."""
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asked()
        except (RedisError, OSError, TimeoutError) as error:
            self._counters.redis_failures += 1
            self._counters.redis_answers = False
            if not self._silent:
                self._silent = True
                logger.warning(
                    "Redis does not keep conversations (%s): other workers do, if there are any",
                    type(error).__name__,
                )
            return None


def redis_url(text: str) -> str:
    """Raises ValueError for what is no URL of a Redis, without showing it: it may hold a password;
    and where the package is missing."""
    url = urlsplit(text)
    if not (url.scheme in ("redis", "rediss") and url.hostname) and url.scheme != "unix":
        raise ValueError("expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH")
    if find_spec("redis") is None:
        raise ValueError("needs the redis package: pip install 'antiphon[redis]'")
    return text


def _connected_to(url: str) -> "Redis":
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def _key(session_id: str) -> str:
    return f"{PREFIX}snapshot:{session_id}"


def _fetched(stored: Mapping[bytes, bytes]) -> Fetched | None:
    """None for what no worker wrote."""
    try:
        generation = int(stored[_GENERATION])
        parts = {int(name): part for name, part in stored.items() if name != _GENERATION}
    except (KeyError, ValueError):
        return None
    return Fetched(generation, tuple(parts[number] for number in sorted(parts)))
