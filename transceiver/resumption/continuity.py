"""What a session has for the case that its client is lost: a token, its newest events, time."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from antiphon_proto.address import Address
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.realtime.resume import Resume
from transceiver.resumption.event_ring import EventRing, Missed
from transceiver.resumption.resume_token import Origin, ResumeClaim, ResumeTokens
from transceiver.resumption.snapshot import Snapshot
from transceiver.sealed_bytes import NONCE_BYTES

TOKEN_MARGIN_S = 60
"""How much longer than its session a token is good for: clocks differ."""


@dataclass(frozen=True, slots=True)
class Continuities:
    """Makes what each session of a worker has; `seconds` of 0: nothing, sessions end at once."""

    tokens: ResumeTokens
    owner: Address
    """The worker's tunnel address."""
    seconds: int
    random: Callable[[int], bytes]

    def of(self, origin: Origin, taken_up: "TakenUp | None" = None) -> "Continuity":
        return Continuity(self, origin, taken_up)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What a session goes on with that began elsewhere."""

    snapshot: Snapshot
    missed: Missed | None = None
    """What the client has to hear again; None where its owner died with that."""
    generation: int = 0
    """Of what is kept of it."""


class Continuity:
    """Follows one session. Times are of one monotonic clock."""

    def __init__(self, made_by: Continuities, origin: Origin, taken_up: TakenUp | None) -> None:
        self.restored = taken_up.snapshot if taken_up else None
        """What the session goes on with, if it began elsewhere."""
        self.generation = taken_up.generation if taken_up else 0
        self._made_by = made_by
        self._origin = origin
        self._ring = EventRing()
        self._lost_at: float | None = None
        self._missed = taken_up.missed if taken_up else None

    @property
    def issuer(self) -> str:
        """Fingerprint of the API key that answers for the session."""
        return self._origin.issuer

    @property
    def possible(self) -> bool:
        """Whether a client that is lost may come again."""
        return self._made_by.seconds > 0

    @property
    def to_repeat(self) -> tuple[tuple[str, bytes], ...]:
        """Events (id, event) that the client missed, to be sent behind the greeting."""
        return self._missed.events if self._missed else ()

    def greeting(self, session: RealtimeSession) -> RealtimeSession:
        """The session as `session.created` shows it."""
        if not self.possible:
            return session
        claim = ResumeClaim(
            session.id,
            self._made_by.owner,
            self._origin,
            (session.expires_at or 0) + TOKEN_MARGIN_S,
            self._made_by.tokens.cluster_id,
        )
        token = self._made_by.tokens.mint(claim, self._made_by.random(NONCE_BYTES))
        resume = Resume(token=token, seconds=self._made_by.seconds)
        if self._missed is not None:
            resume = msgspec.structs.replace(
                resume, resumed="replayed", complete=self._missed.complete
            )
        elif self.restored is not None:
            resume = msgspec.structs.replace(resume, resumed="restored", complete=False)
        return msgspec.structs.replace(session, resume=resume)

    def sent(self, event_id: str, event: bytes, now: float) -> None:
        """An event was sent, or is for a client that is lost."""
        if self.possible:
            self._ring.add(event_id, event, now)

    def lost(self, unsent_bytes: int, now: float) -> None:
        """The client is gone, and so many bytes of events had not left."""
        self._lost_at = now
        self._ring.lose(unsent_bytes)

    def returned(self, last_event_id: str | None) -> Missed:
        """The client is here again, having heard what came up to this event."""
        self._lost_at = None
        self._missed = self._ring.resume(last_event_id)
        return self._missed

    def tick(self, now: float) -> bool:
        """Let time pass; whether a client that is lost has been gone for too long."""
        self._ring.trim(now)
        return self._lost_at is not None and now - self._lost_at > self._made_by.seconds


def seconds_left(session: RealtimeSession, unix_time: float, longest: int) -> int:
    """How long a session lasts that begins now, or that began elsewhere."""
    if session.expires_at is None:
        return longest
    return max(1, min(longest, session.expires_at - int(unix_time)))
