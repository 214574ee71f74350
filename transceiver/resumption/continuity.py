"""What a session has for the case that its client is lost: a token, its newest events, time."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

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

    def of(self, origin: Origin, restored: Snapshot | None = None) -> "Continuity":
        return Continuity(self, origin, restored)


class Continuity:
    """Follows one session. Times are of one monotonic clock."""

    def __init__(self, made_by: Continuities, origin: Origin, restored: Snapshot | None) -> None:
        """`restored` is what the session goes on with, if another worker began it."""
        self.restored = restored
        self._made_by = made_by
        self._origin = origin
        self._ring = EventRing()
        self._lost_at: float | None = None
        self._missed: Missed | None = None

    @property
    def possible(self) -> bool:
        """Whether a client that is lost may come again."""
        return self._made_by.seconds > 0

    @property
    def origin(self) -> Origin:
        return self._origin

    def greeting(self, session: RealtimeSession) -> RealtimeSession:
        """The session as `session.created` shows it."""
        if not self.possible:
            return session
        claim = ResumeClaim(
            session.id,
            self._made_by.owner,
            self._origin,
            (session.expires_at or 0) + TOKEN_MARGIN_S,
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

    def sent(self, event_id: object, event: bytes, now: float) -> None:
        """An event was sent, or is for a client that is lost."""
        if self.possible and event_id is not UNSET:
            self._ring.add(str(event_id), event, now)

    def lost(self, unsent_bytes: int, now: float) -> None:
        """The client is gone, and so many bytes of events had not left."""
        self._lost_at = now
        self._ring.lose(unsent_bytes)

    def returned(self, last_event_id: str | None) -> tuple[tuple[str, bytes], ...]:
        """The client is here again: the events that it missed, to be sent behind the greeting."""
        self._lost_at = None
        self._missed = self._ring.resume(last_event_id)
        return self._missed.events

    def tick(self, now: float) -> bool:
        """Let time pass; whether a client that is lost has been gone for too long."""
        self._ring.trim(now)
        return self._lost_at is not None and now - self._lost_at > self._made_by.seconds
