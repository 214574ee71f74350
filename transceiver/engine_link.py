"""A call's engine, whichever replica it is at.

The call has one engine for as long as it lasts; behind it, sessions follow one another:

                  ┌───── fatal error, its trunk broke, or no pause came ◄───────┐
                  ▼                                                             │
                adrift ──a replica takes it: history, what was interrupted──► serving
    opening ──Ready───────────────────────────────────────────────────────────► │ ▲
                                                  Draining, or a long history   ▼ │  in a pause
                                                                               warming

While it is adrift nothing is queued: what the call is, it tells anew to each session (`Open`'s
history, the input since the last turn, `Respond` for an answer that was begun). A session that
is warmed is opened beside the one that serves, and told at last what has changed meanwhile.
"""

import math
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from antiphon_proto.trunk import (
    Command,
    Draining,
    Error,
    Event,
    Open,
    PlaybackCredit,
    Ready,
)
from chassis.host_port import HostPort
from transceiver.engine_history import WHOLE
from transceiver.engine_host import EngineHost
from transceiver.engine_leg import TELLING, EngineLeg, Replicas
from transceiver.engine_legs import EngineLegs
from transceiver.engine_move import RETRY_S, EngineMove
from transceiver.hand_off import HandOffCounters, HandOffOutcome, HandOffReason
from transceiver.input_replay import InputReplay

MAX_OPENINGS = 3
"""Replicas that are tried for a call that begins."""

ADRIFT_S = 3.0
"""How long a call waits for a replica before it ends."""

REOPEN_TIMEOUT_S = 1.5
"""How long a replica that takes over has to say Ready, before another one is asked."""

MAX_LOSSES, LOSSES_S = 5, 60.0
"""A call whose sessions end more often in so long a time is itself the fault."""

MIN_STAY_S = 10.0
"""How long a session serves before its context may make the call move again."""

RATES = range(8_000, 48_001, 25)
"""Samples a second that an engine may ask for. A resampler's memory grows with the rates over
their common divisor: to 48001 from 48000 it would take gigabytes."""

TOLD_ITEMS = 300
"""Items that one session hears of, before the call's history is compacted."""

UNAVAILABLE = Error("engine_unavailable", "No inference replica takes the session.", fatal=True)
LOST = Error("engine_lost", "The inference replica was lost.", fatal=True)
UNSUITABLE = Error("engine_unsuitable", "The replica's sample rates are of no use.", fatal=True)


@dataclass(slots=True)
class _Adrift:
    """Without a session that is ready, since `since`."""

    reason: HandOffReason
    since: float
    why: Error
    tried: set[HostPort] = field(default_factory=set)
    retry_at: float = 0.0


class EngineLink:
    """Sans-IO: give it the time by `tick`, a few times a second. `clock` is monotonic.

    The host is told what concerns the conversation, and of a fatal Error when there is no
    engine any more.
    """

    def __init__(
        self,
        replicas: Replicas,
        host: EngineHost,
        *,
        clock: Callable[[], float],
        counters: HandOffCounters,
    ) -> None:
        self.host = host
        self._replicas = replicas
        self._clock = clock
        self._counters = counters
        self._replay = InputReplay()
        self._begun: Ready | None = None
        self._adrift: _Adrift | None = None
        self._move: EngineMove | None = None
        self._legs = EngineLegs(replicas, self, clock)
        self._losses: deque[float] = deque(maxlen=MAX_LOSSES)
        self._moved_at = -math.inf
        self._closed = False
        self.serving: EngineLeg | None = self._legs.open()

    # ---- the call's side -----------------------------------------------------

    async def opened(self) -> Ready | Error:
        """Wait for the first session to open, at another replica where one refuses."""
        tried: set[HostPort] = set()
        answer: Ready | Error = UNAVAILABLE
        while self.serving is not None and not self._closed:
            leg = self.serving
            answer = await leg.session.opened()
            if isinstance(answer, Ready) and not _usable(answer):
                answer = UNSUITABLE
            if isinstance(answer, Ready) or self._closed:
                break
            tried.add(leg.session.replica)
            self._replicas.failed(leg.session.replica)
            leg.session.close("engine_failed")
            self.serving = self._legs.open(tried) if len(tried) < MAX_OPENINGS else None
            if self.serving is not None:
                self.serving.open(WHOLE)
        return answer

    def push_audio(self, position: int, pcm: bytes) -> None:
        """Input samples that start at sample `position`."""
        self._replay.push(position, pcm)
        if self.serving is not None:
            self.serving.session.push_audio(position, pcm)

    def command(self, command: Command) -> None:
        """Tell the engine, behind the audio so far."""
        if not isinstance(command, PlaybackCredit):
            self._replay.follow_command(command)
        if self.serving is None:
            return
        if isinstance(command, Open) and command.history:
            # A conversation that began elsewhere.
            self.serving.open(WHOLE)
        else:
            self.serving.command(command)
            if isinstance(command, TELLING) and self.serving.told_items > TOLD_ITEMS:
                self._move = self._move or EngineMove(HandOffReason.CONTEXT)

    def tick(self, now: float) -> None:
        """Do what time asks for."""
        if self._adrift is not None:
            self._drift(self._adrift, now)
        if self._move is not None:
            self._advance(self._move, now)

    def close(self, reason: str) -> None:
        """End the session; the host hears nothing more."""
        self._closed = True
        for leg in (self.serving, self._move.warm if self._move else None):
            if leg is not None:
                leg.session.close(reason)
        self._legs.close()
        self.serving = self._move = self._adrift = None

    # ---- the sessions' side --------------------------------------------------

    def heard(self, leg: EngineLeg, event: Event) -> None:
        """A session reported something."""
        if isinstance(event, Ready):
            self._ready(leg, event)
        elif isinstance(event, Error) and event.fatal:
            self.lost(leg, HandOffReason.FAILED, event)
        elif leg is not self.serving:
            if isinstance(event, Draining) and self._move is not None:
                self._move.cool(self._legs, self._clock())
        elif isinstance(event, Draining):
            self._asked_to_leave(leg, event)
        elif (known := leg.heard(event, self._input_ms)) is not None:
            self._replay.follow_event(known)
            self.host.engine_event(known)

    def lost(self, leg: EngineLeg, reason: HandOffReason, why: Error) -> None:
        """A session is over, and not by our doing. Who waits for the first one to open sees it."""
        move = self._move
        if move is not None and leg is move.warm:
            move.cool(self._legs, self._clock())
        elif leg is self.serving and self._begun is not None:
            self._legs.dismiss(leg, failed=reason is HandOffReason.FAILED)
            self._lose(leg, reason, why)

    def gone(self, leg: EngineLeg) -> None:
        self.lost(leg, HandOffReason.LOST, LOST)

    def _ready(self, leg: EngineLeg, ready: Ready) -> None:
        begun = self._begun
        if begun is None:
            if not _usable(ready):
                return
            self._begun = ready
            self._replay.start(ready.input_rate)
        elif (ready.input_rate, ready.output_rate) != (begun.input_rate, begun.output_rate):
            self.lost(leg, HandOffReason.FAILED, UNSUITABLE)
            return
        leg.ready = ready
        self._replicas.succeeded(leg.session.replica)
        if leg is self.serving:
            self.host.engine_event(ready)
            self._resumed()

    # ---- without a session ---------------------------------------------------

    def _lose(self, leg: EngineLeg, reason: HandOffReason, why: Error) -> None:
        """Go on elsewhere at once, or drift until that is possible."""
        now = self._clock()
        self.serving = None
        if self._move is not None:
            self._move.cool(self._legs, self._clock())
            self._move = None
        adrift = self._adrift = self._adrift or _Adrift(reason, now, why)
        if leg.ready:
            self._losses.append(now)
        else:
            adrift.tried.add(leg.session.replica)
            adrift.retry_at = now + RETRY_S
        if len(self._losses) == MAX_LOSSES and now - self._losses[0] < LOSSES_S:
            self._abandon(adrift)
        else:
            self._resume_elsewhere(adrift, adrift.tried)

    def _drift(self, adrift: _Adrift, now: float) -> None:
        leg = self.serving
        if leg is not None and now - leg.opened_at > REOPEN_TIMEOUT_S:
            self._legs.dismiss(leg, failed=True)
            self._lose(leg, adrift.reason, adrift.why)
        elif leg is None:
            self._resume_elsewhere(adrift, adrift.tried if now < adrift.retry_at else ())
        if self.serving is None and now - adrift.since > ADRIFT_S:
            self._abandon(adrift)

    def _resume_elsewhere(self, adrift: _Adrift, but: Collection[HostPort]) -> None:
        """Open a session that goes on with what was interrupted, where a replica takes it."""
        leg = self._legs.open(but)
        if leg is None:
            return
        resumptions = self.host.engine_resumptions()
        self.serving = leg
        leg.open(adrift.reason.bounds)
        leg.resume(self._replay.script(), resumptions)

    def _resumed(self) -> None:
        """The session that took over is ready."""
        adrift, self._adrift = self._adrift, None
        if adrift is not None:
            self._counters.ended[adrift.reason, HandOffOutcome.RESUMED] += 1
            self._counters.resumed_after.observe(self._clock() - adrift.since)

    def _abandon(self, adrift: _Adrift) -> None:
        self._adrift = None
        self._counters.ended[adrift.reason, HandOffOutcome.ABANDONED] += 1
        self.host.engine_event(adrift.why)

    # ---- from one session to the next ----------------------------------------

    def _asked_to_leave(self, leg: EngineLeg, draining: Draining) -> None:
        """The replica drains; or else the session's own context is nearly full."""
        drains = self._replicas.draining(leg.session.replica)
        now = self._clock()
        if not drains and now - self._moved_at < MIN_STAY_S:
            return
        reason = HandOffReason.DRAINING if drains else HandOffReason.CONTEXT
        seconds = draining.deadline_ms / 1000
        forced_at = now + max(seconds / 2, seconds - 1.0)
        if self._move is None:
            self._move = EngineMove(reason)
        self._move.hurry(reason, forced_at)
        self._advance(self._move, now)

    def _advance(self, move: EngineMove, now: float) -> None:
        """Warm the next session, and have it take over when that disturbs nobody."""
        serving = self.serving
        if serving is None or not serving.ready:
            return
        if move.is_cold(now):
            move.cool(self._legs, now)
        warm, pauses = move.warm, self.host.engine_pauses()
        if warm is None and (pauses or move.forced_at is not None):
            move.warm_up(self._legs, serving, now)
        elif warm is not None and warm.ready and pauses:
            self._cut_over(move, warm, serving)
        elif warm is not None and move.is_forced(now):
            self._legs.dismiss(serving)
            self._lose(serving, move.reason, LOST)

    def _cut_over(self, move: EngineMove, warm: EngineLeg, serving: EngineLeg) -> None:
        warm.catch_up(self._replay.script())
        self._legs.dismiss(serving)
        self.serving, self._move, self._moved_at = warm, None, self._clock()
        if warm.ready is not None:
            self.host.engine_event(warm.ready)
        self._counters.ended[move.reason, HandOffOutcome.IN_PAUSE] += 1

    def _input_ms(self, position: int) -> int:
        return position * 1000 // self._begun.input_rate if self._begun else 0


def _usable(ready: Ready) -> bool:
    return ready.input_rate in RATES and ready.output_rate in RATES
