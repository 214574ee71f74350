"""Letters between workers, by HTTP at their tunnel addresses."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum

import aiohttp
from aiohttp import web
from yarl import URL

from antiphon_proto.address import Address
from transceiver.resumption.fresh_letters import FreshLetters
from transceiver.sealed_bytes import NONCE_BYTES, nonce_of
from transceiver.signaling.calls import CallNotFoundError
from transceiver.signaling.request_body import BodyReader
from transceiver.sip.worker_outbox import Outbox
from transceiver.sip.worker_parcels import (
    MAX_LETTER_BYTES,
    Letter,
    LetterError,
    LetterSeal,
    Parcel,
)

PATH = "/v1/sip/letters"
TIMEOUT = aiohttp.ClientTimeout(total=2, sock_connect=1)
MAX_BODY_BYTES = 2 * MAX_LETTER_BYTES
MAX_READING_BYTES = 8 * MAX_BODY_BYTES
"""Of letters that are being read at once: nobody knows yet who sends them."""


class _Fault(Enum):
    GONE = 1
    SILENT = 2


class WorkerLink:
    """`arrived` is told every parcel of another worker, `undelivered` those of ours that were
    not taken, both with the worker's address, and whether nobody is there at all."""

    def __init__(
        self,
        seal: LetterSeal,
        here: Address,
        *,
        arrived: Callable[[Address, Parcel], None],
        undelivered: Callable[[Address, Parcel, bool], None],
        random: Callable[[int], bytes],
        unix_time: Callable[[], float],
    ) -> None:
        self._seal = seal
        self._here = here
        self._arrived = arrived
        self._undelivered = undelivered
        self._random = random
        self._unix_time = unix_time
        self._fresh = FreshLetters()
        self._bodies = BodyReader(MAX_BODY_BYTES, MAX_READING_BYTES)
        self._outboxes: dict[Address, Outbox] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._serve)]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Parcels leave within."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as self._session:
            try:
                yield
            finally:
                self._session = None
                for task in self._sending:
                    task.cancel()

    async def drained(self, seconds: float) -> None:
        """Return when nothing waits, or the time is over."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)

    def tell(self, worker: Address, parcel: Parcel) -> bool:
        """False where too many wait for that worker, or this one ends. Parcels for one worker keep
        their order."""
        if self._session is None:
            return False
        outbox = self._outboxes.get(worker)
        if outbox is not None:
            return outbox.add(parcel)
        outbox = self._outboxes[worker] = Outbox()
        outbox.add(parcel)
        task = asyncio.get_running_loop().create_task(self._empty(worker, outbox))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return True

    async def _empty(self, worker: Address, outbox: Outbox) -> None:
        try:
            while parcels := outbox.take():
                fault = await self._post(worker, parcels)
                if fault is not None:
                    for parcel in (*parcels, *outbox.take_all()):
                        self._undelivered(worker, parcel, fault is _Fault.GONE)
        finally:
            del self._outboxes[worker]

    async def _post(self, worker: Address, parcels: tuple[Parcel, ...]) -> "_Fault | None":
        letter = Letter(self._unix_time(), self._here, worker, parcels)
        body = self._seal.seal(letter, self._random(NONCE_BYTES))
        host, port = worker
        url = URL.build(scheme="http", host=host, port=port, path=PATH)
        assert self._session is not None
        try:
            async with self._session.post(url, data=body, allow_redirects=False) as response:
                return None if response.status == 204 else _Fault.SILENT
        except aiohttp.ClientConnectorError as error:
            return _Fault.GONE if error.errno == errno.ECONNREFUSED else _Fault.SILENT
        except (aiohttp.ClientError, OSError, TimeoutError):
            return _Fault.SILENT

    async def _serve(self, request: web.Request) -> web.Response:
        """To who has not the cluster's keys there is nothing here."""
        try:
            body = await self._bodies.read(request)
            letter = self._seal.open(body)
        except (EOFError, LetterError) as error:
            raise CallNotFoundError from error
        is_fresh = self._fresh.admit(letter, nonce_of(body), self._unix_time())
        if letter.receiver != self._here or not is_fresh:
            raise CallNotFoundError
        for parcel in letter.parcels:
            self._arrived(letter.sender, parcel)
        return web.Response(status=204)
