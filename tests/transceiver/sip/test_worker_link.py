"""Two workers' links over HTTP, and what strangers send there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from tests.transceiver.sip.test_streams import until
from tests.transceiver.sip.transport_driver import KEYS, OTHER_KEYS, request
from transceiver.sealed_bytes import SealedBytes
from transceiver.signaling.errors import error_middleware
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.worker_link import (
    MAX_BODY_BYTES,
    MAX_READING_BYTES,
    PATH,
    WorkerLink,
)
from transceiver.sip.worker_parcels import (
    MAX_PARCELS,
    Arrived,
    Leaving,
    Letter,
    LetterError,
    LetterSeal,
    Lost,
    News,
    Parcel,
)

NOW = 1_800_000_000.0
FLOW = Flow(("127.0.0.1", 7000), SipTransport.TLS, ("198.51.100.7", 50123), 3)
PARCELS: tuple[Parcel, ...] = (
    Arrived(request(), FLOW),
    Leaving(request("BYE"), FLOW),
    Lost(FLOW),
    News(b"alice is at work"),
)


@dataclass
class Linked:
    address: Address
    link: WorkerLink
    arrived: list[tuple[Address, Parcel]] = field(default_factory=list)
    undelivered: list[tuple[Address, Parcel, bool]] = field(default_factory=list)
    letters: int = 0

    def sealed(self, keys: ClusterKeys = KEYS, sent_at: float = NOW, nonce: int = 1) -> bytes:
        """A letter to this worker."""
        letter = Letter(sent_at, ("127.0.0.1", 9), self.address, PARCELS)
        return LetterSeal(keys).seal(letter, bytes([nonce] * 12))


class Links:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._nonces = 0

    async def one(self, keys: ClusterKeys = KEYS) -> Linked:
        runner = web.AppRunner(app := web.Application(middlewares=[error_middleware]))
        linked = Linked(("", 0), None)  # type: ignore[arg-type]

        async def serve(asked: web.Request) -> web.StreamResponse:
            linked.letters += 1
            [route] = linked.link.routes()
            return await route.handler(asked)  # type: ignore[misc, call-arg, arg-type]

        app.add_routes([web.post(PATH, serve)])
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        linked.address = runner.addresses[0][:2]
        linked.link = WorkerLink(
            LetterSeal(keys),
            linked.address,
            arrived=lambda sender, parcel: linked.arrived.append((sender, parcel)),
            undelivered=lambda *what: linked.undelivered.append(what),
            random=self._nonce,
            unix_time=lambda: NOW,
        )
        await self._stack.enter_async_context(linked.link.connected())
        return linked

    def _nonce(self, length: int) -> bytes:
        self._nonces += 1
        return self._nonces.to_bytes(length, "big")


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    async with AsyncExitStack() as stack:
        yield Links(stack)


async def test_parcels_arrive_in_order_and_in_few_letters(links: Links) -> None:
    one, other = await links.one(), await links.one()
    sent = [News(str(number).encode()) for number in range(2 * MAX_PARCELS)]
    for parcel in (*PARCELS, *sent):
        assert one.link.tell(other.address, parcel)
    await until(lambda: len(other.arrived) == len(PARCELS) + len(sent))
    assert other.arrived == [(one.address, parcel) for parcel in (*PARCELS, *sent)]
    assert other.letters <= 4
    assert one.undelivered == []


async def test_what_nobody_takes_comes_back(links: Links) -> None:
    one, stranger = await links.one(), await links.one(OTHER_KEYS)
    for address, gone in ((stranger.address, False), (("127.0.0.1", 1), True)):
        for parcel in PARCELS:
            one.link.tell(address, parcel)
        await until(lambda: len(one.undelivered) == len(PARCELS))
        assert one.undelivered == [(address, parcel, gone) for parcel in PARCELS]
        one.undelivered.clear()
    assert stranger.arrived == []


async def test_a_letter_is_read_once_and_by_its_receiver_alone(links: Links) -> None:
    worker, other = await links.one(), await links.one()
    letter = worker.sealed()
    assert [await posted(each, letter) for each in (other, worker, worker)] == [404, 204, 404]
    assert [parcel for _, parcel in worker.arrived] == list(PARCELS)
    assert other.arrived == []


async def test_old_forged_and_broken_letters_are_not_read(links: Links) -> None:
    worker = await links.one()
    letter = worker.sealed()
    forged = [worker.sealed(OTHER_KEYS), letter[:-1], letter + b"x", b"", b"x"]
    for each in (*forged, worker.sealed(sent_at=NOW - 61), worker.sealed(sent_at=NOW + 61)):
        assert await posted(worker, each) == 404
    assert worker.arrived == []


async def posted(worker: Linked, letter: bytes) -> int:
    host, port = worker.address
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{host}:{port}{PATH}", data=letter) as response,
    ):
        return response.status


async def test_letters_of_nobody_knows_whom_take_so_much_memory_and_no_more(links: Links) -> None:
    worker = await links.one()
    assert await posted(worker, bytes(MAX_BODY_BYTES + 1)) == 413
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY_BYTES}\r\n\r\n"
    streams = []
    for _ in range(MAX_READING_BYTES // MAX_BODY_BYTES):
        streams.append(await asyncio.open_connection(*worker.address))
        streams[-1][1].write(head.encode() + b"x")
    await until(lambda: worker.letters > len(streams))
    assert await posted(worker, b"x" * 100) == 503
    for _, writer in streams:
        writer.close()


async def test_a_full_outbox_refuses(links: Links) -> None:
    one, other = await links.one(), await links.one()
    parcel = Arrived(bytes(60_000), FLOW)
    taken = sum(one.link.tell(other.address, parcel) for _ in range(200))
    assert 0 < taken < 200
    await until(lambda: len(other.arrived) == taken)


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x94\x01\x02\x03\x04"])
def test_what_our_own_key_sealed_is_a_letter_or_an_error(content: bytes) -> None:
    sealed = SealedBytes(b"sip letter", KEYS.derive_all("sip letter")).seal(content, bytes(12))
    with pytest.raises(LetterError):
        LetterSeal(KEYS).open(sealed)


async def test_the_end_waits_for_what_is_on_its_way(links: Links) -> None:
    one, other = await links.one(), await links.one()
    one.link.tell(other.address, PARCELS[0])
    await one.link.drained(20.0)
    assert len(other.arrived) == 1
