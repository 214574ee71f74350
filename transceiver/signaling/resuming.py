"""Finds the session that a request goes on with, wherever it is and whatever is left of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from antiphon_proto.address import Address
from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.conversation_record import restored_session
from transceiver.resumption.counters import ResumeOutcome, ResumptionCounters
from transceiver.resumption.keeper import Keeper
from transceiver.resumption.live_sessions import LiveSession, LiveSessions
from transceiver.resumption.peer_messages import (
    Find,
    Found,
    PeerMessageError,
    PeerSeal,
    Take,
    Taken,
)
from transceiver.resumption.peers import Peers
from transceiver.resumption.resume_token import (
    Origin,
    ResumeClaim,
    ResumeTokenError,
    ResumeTokens,
    TokenFault,
)
from transceiver.resumption.snapshot import SnapshotError, decode_parts
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.errors import ApiError

RESUME, LAST_EVENT_ID = "resume", "last_event_id"
"""Members of a request's query."""


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """One that is entitled to its session."""

    claim: ResumeClaim
    key: ApiKey
    """Whose limits the session uses up."""
    last_event_id: str | None

    @property
    def session_id(self) -> str:
        return self.claim.session_id

    @property
    def origin(self) -> Origin:
        return self.claim.origin


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another worker holds the session."""

    owner: Address
    by_websocket: bool


class Resuming:
    """One a worker."""

    def __init__(
        self,
        tokens: ResumeTokens,
        live: LiveSessions,
        *,
        here: Address,
        peers: Peers,
        keeper: Keeper,
        seal: PeerSeal,
        counters: ResumptionCounters,
        generation: Callable[[str], int],
        unix_time: Callable[[], float],
    ) -> None:
        """`here` is this worker's tunnel address, `generation` that of what is kept of a session
        of this worker."""
        self._tokens = tokens
        self._live = live
        self._here = here
        self._peers = peers
        self._keeper = keeper
        self._seal = seal
        self._counters = counters
        self._generation = generation
        self._unix_time = unix_time

    def entitled(
        self, query: Mapping[str, str], authorization: str | None, authenticator: Authenticator
    ) -> ResumeRequest:
        """Who may resume a session: an API key, or the client secret that made it.

        Raises ApiError (400, 401, 403, 404).
        """
        try:
            claim = self._tokens.open(query[RESUME], self._unix_time())
        except ResumeTokenError as error:
            authenticator.identify(authorization)
            raise _refusal(error.fault) from error
        authenticator.require_rights_to(claim.origin.creator, authorization)
        key = authenticator.issuer(claim.origin.issuer)
        return ResumeRequest(claim, key, query.get(LAST_EVENT_ID))

    def here(self, request: ResumeRequest) -> LiveSession | None:
        """The session, where this worker holds it."""
        return self._live.find(request.session_id)

    async def elsewhere(self, request: ResumeRequest) -> Elsewhere | TakenUp:
        """Which worker holds a session that is not here, or what is kept of it.

        Raises ApiError (404).
        """
        named = request.claim.owner
        # In another cluster the address is another worker's.
        ours = request.claim.cluster_id == self._tokens.cluster_id
        if ours and (found := await self._held_by(named, request)):
            return found
        kept, owner = await self._kept(request.session_id)
        # Whoever has restored it meanwhile says so there.
        if owner != named and (found := await self._held_by(owner, request)):
            return found
        self.count(ResumeOutcome.RESTORED)
        return kept

    async def taken(self, request: ResumeRequest) -> TakenUp:
        """The session, to go on here: it ends wherever it is held. Raises ApiError (404)."""
        session = self.here(request)
        if session is not None:
            return self.take(session, request)
        found = await self.elsewhere(request)
        if isinstance(found, TakenUp):
            return found
        wish = Take(request.session_id, str(HostPort(*found.owner)), request.last_event_id)
        answer = await self._peers.ask(found.owner, wish)
        taken = answer.taken_up() if isinstance(answer, Taken) else None
        if taken is None:
            raise self._not_found()
        self._counters.outcomes[ResumeOutcome.REPLAYED] += 1
        return taken

    def take(self, session: LiveSession, request: ResumeRequest) -> TakenUp:
        """End a session of this worker, to go on with it by another transport."""
        generation = self._generation(request.session_id)
        self._counters.outcomes[ResumeOutcome.REPLAYED] += 1
        taken = session.take(request.last_event_id)
        return TakenUp(taken.snapshot, taken.missed, generation)

    def put_back(self, request: ResumeRequest, taken: TakenUp) -> None:
        """The session cannot go on here now: it waits for the client's next attempt."""
        self._live.put_back(request.session_id, taken)

    def count(self, outcome: ResumeOutcome) -> None:
        self._counters.outcomes[outcome] += 1

    async def _held_by(self, owner: Address, request: ResumeRequest) -> Elsewhere | None:
        if owner == self._here:
            return None
        found = await self._peers.ask(owner, Find(request.session_id))
        if isinstance(found, Found) and found.here:
            return Elsewhere(owner, found.by_websocket)
        return None

    async def _kept(self, session_id: str) -> tuple[TakenUp, Address]:
        """What is kept of a session, and whose it was. Raises ApiError (404)."""
        fetched = await self._keeper.fetch(session_id)
        if fetched is None:
            raise self._not_found()
        try:
            parts = [self._seal.open_part(session_id, part) for part in fetched.parts]
            snapshot, owner = decode_parts(parts)
            host, port = HostPort.parse(owner)
        except (PeerMessageError, SnapshotError, ValueError) as error:
            raise self._not_found() from error
        return TakenUp(snapshot, None, fetched.generation), (host, port)

    def _not_found(self) -> ApiError:
        self.count(ResumeOutcome.NOT_FOUND)
        return _refusal(TokenFault.EXPIRED)


def session_of(taken: TakenUp) -> RealtimeSession:
    """The configuration that a session goes on with. Raises ApiError (404)."""
    try:
        return restored_session(taken.snapshot)
    except SnapshotError as error:
        raise _refusal(TokenFault.EXPIRED) from error


def _refusal(fault: TokenFault) -> ApiError:
    if fault is TokenFault.INVALID:
        return ApiError(400, "This is no resume token.", code="invalid_value", param=RESUME)
    return ApiError(
        404,
        "The session is over, or its client was gone for too long.",
        code="session_not_found",
        param=RESUME,
    )
