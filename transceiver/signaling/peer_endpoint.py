"""What other workers of the cluster ask this one about conversations."""

from collections.abc import Callable

from aiohttp import web

from antiphon_proto.address import Address
from chassis.host_port import HostPort
from transceiver.resumption.fresh_letters import FreshLetters
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.resumption.peer_messages import (
    MAX_MESSAGE_BYTES,
    Answer,
    Fetch,
    Find,
    Found,
    Keep,
    PeerMessageError,
    PeerSeal,
    Request,
    Take,
    Taken,
)
from transceiver.resumption.peers import PATH
from transceiver.resumption.snapshot_store import SnapshotStore
from transceiver.sealed_bytes import NONCE_BYTES, nonce_of
from transceiver.signaling.calls import CallNotFoundError
from transceiver.signaling.request_body import BodyReader
from transceiver.websocket_call import WebSocketCall

MAX_READING_BYTES = 4 * MAX_MESSAGE_BYTES
"""Of requests that are on their way at once."""


class PeerEndpoint:
    """Answers who has the cluster's keys; to anybody else there is nothing here."""

    def __init__(
        self,
        seal: PeerSeal,
        live: LiveSessions,
        store: SnapshotStore,
        generation: Callable[[str], int],
        *,
        here: Address,
        clock: Callable[[], float],
        unix_time: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`generation` of what is kept of a session of this worker, whose tunnel address is
        `here`; `clock` is monotonic."""
        self._seal = seal
        self._live = live
        self._store = store
        self._generation = generation
        self._here = str(HostPort(*here))
        self._clock = clock
        self._unix_time = unix_time
        self._fresh = FreshLetters()
        self._bodies = BodyReader(MAX_MESSAGE_BYTES, MAX_READING_BYTES)
        self._random = random

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            body = await self._bodies.read(request)
            letter = self._seal.open_request(body)
        except (EOFError, PeerMessageError) as error:
            raise CallNotFoundError from error
        if not self._fresh.admit(letter, nonce_of(body), self._unix_time()):
            raise CallNotFoundError
        sealed = self._seal.seal_answer(self._answer(letter.request), self._random(NONCE_BYTES))
        return web.Response(body=sealed)

    def _answer(self, request: Request) -> Answer:
        match request:
            case Keep():
                return self._store.keep(request, self._clock())
            case Fetch(session_id):
                return self._store.fetch(session_id, self._clock())
            case Find(session_id):
                session = self._live.find(session_id)
                return Found(session is not None, isinstance(session, WebSocketCall))
            case Take(session_id, owner, last_event_id):
                return self._take(session_id, last_event_id) if owner == self._here else Taken()

    def _take(self, session_id: str, last_event_id: str | None) -> Taken:
        session = self._live.find(session_id)
        if session is None:
            return Taken()
        return Taken.of(session.take(last_event_id), self._generation(session_id))
