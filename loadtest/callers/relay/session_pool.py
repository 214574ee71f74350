"""Sessions of one reflector, asked for by the batch, ahead of the calls that need them."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

import aiohttp
import msgspec

from loadtest.callers.address import Address
from loadtest.callers.bounded_body import LongBodyError, read_body
from loadtest.callers.failed_call import FailedCallError
from loadtest.host_clock import host_clock
from loadtest.measures.names import Failure
from loadtest.reflected_session import (
    MAX_BATCH,
    Session,
    SessionsEnded,
    SessionsGranted,
    SessionsWanted,
)

BATCH = 100
"""A reflector hands out so many without keeping packets waiting."""
AHEAD = 300
"""Kept in hand, which at 1,000 calls a second is a third of one."""
END_S = 0.2
"""How long ended sessions are gathered."""
TIMEOUT_S = 10.0
MOST_BYTES = 1 << 20
"""Of a batch, in which a session has some hundred."""


@dataclass(frozen=True, slots=True)
class PooledSession:
    """A session, and what it needs of its reflector."""

    session: Session
    relay: Address
    same_clock: bool
    """Whether the reflector's clock is this host's."""


class SessionPool:
    """Of the reflector at `url`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._ready: deque[PooledSession] = deque()
        self._waiting: deque[asyncio.Future[PooledSession]] = deque()
        self._fetching: asyncio.Task[None] | None = None
        self._ended: list[int] = []
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have the first batch. Raises FailedCallError."""
        await self._fetch()

    async def take(self) -> PooledSession:
        """Raises FailedCallError."""
        if len(self._ready) < AHEAD and self._fetching is None:
            self._fetching = asyncio.ensure_future(self._fetch_ahead())
        if self._ready and not self._waiting:
            return self._ready.popleft()
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        pooled: PooledSession = await waiting
        return pooled

    def end(self, number: int) -> None:
        """A session is over; its reflector is told soon."""
        self._ended.append(number)
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end_soon())

    async def close(self) -> None:
        """Give back what was not used."""
        if self._fetching is not None:
            self._fetching.cancel()
        if self._ending is not None:
            self._ending.cancel()
        self._ended += [pooled.session.number for pooled in self._ready]
        self._ready.clear()
        await self._tell_ended()

    async def _fetch_ahead(self) -> None:
        try:
            while len(self._ready) < AHEAD or self._waiting:
                await self._fetch()
        except FailedCallError as error:
            while self._waiting:
                _give(self._waiting.popleft(), error)
        finally:
            self._fetching = None

    async def _fetch(self) -> None:
        granted = await self._post()
        relay, same_clock = granted.relay, granted.clock == host_clock()
        if not granted.sessions or not 0 < relay[1] <= 0xFFFF:
            detail = f"{self._url}: {len(granted.sessions)} sessions at port {relay[1]}"
            raise FailedCallError(Failure.BAD_ANSWER, detail)
        self._ready.extend(PooledSession(each, relay, same_clock) for each in granted.sessions)
        while self._ready and self._waiting:
            _give(self._waiting.popleft(), self._ready.popleft())

    async def _post(self) -> SessionsGranted:
        """Raises FailedCallError."""
        body = msgspec.json.encode(SessionsWanted(BATCH))
        try:
            posted = self._http.post(f"{self._url}/sessions", data=body, allow_redirects=False)
            async with posted as response:
                answer = await read_body(response, MOST_BYTES)
        except LongBodyError as error:
            raise FailedCallError(Failure.BAD_ANSWER, f"{self._url}: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            detail = f"{self._url}: {error or type(error).__name__}"
            raise FailedCallError(Failure.UNREACHABLE, detail) from error
        if response.status != 200:
            detail = f"{self._url}: {response.status} {answer[:200].decode(errors='replace')}"
            raise FailedCallError(Failure.REFUSED, detail)
        try:
            return msgspec.json.decode(answer, type=SessionsGranted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FailedCallError(Failure.BAD_ANSWER, f"{self._url}: {error}") from error

    async def _end_soon(self) -> None:
        await asyncio.sleep(END_S)
        self._ending = None
        await self._tell_ended()

    async def _tell_ended(self) -> None:
        """A reflector that is not told takes them back by itself."""
        numbers, self._ended = self._ended, []
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            for at in range(0, len(numbers), MAX_BATCH):
                body = msgspec.json.encode(SessionsEnded(numbers[at : at + MAX_BATCH]))
                async with self._http.post(f"{self._url}/sessions/end", data=body):
                    pass


def _give(waiting: asyncio.Future[PooledSession], what: PooledSession | FailedCallError) -> None:
    if waiting.done():
        return
    if isinstance(what, FailedCallError):
        waiting.set_exception(what)
    else:
        waiting.set_result(what)
