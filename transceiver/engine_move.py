"""A call's way from the session that serves to the next, which is warmed beside it."""

from dataclasses import dataclass, field

from chassis.host_port import HostPort
from transceiver.engine_leg import EngineLeg
from transceiver.engine_legs import EngineLegs
from transceiver.hand_off import HandOffReason

WARM_TIMEOUT_S = 5.0

RETRY_S = 0.5
"""How long replicas that refused a session are not asked again."""


@dataclass(slots=True)
class EngineMove:
    """Another session shall take over in a pause, or else at `forced_at`."""

    reason: HandOffReason
    forced_at: float | None = None
    warm: EngineLeg | None = None
    _tried: set[HostPort] = field(default_factory=set)
    _retry_at: float = 0.0

    def hurry(self, reason: HandOffReason, forced_at: float) -> None:
        """There is one more reason, with a time of its own."""
        if self.forced_at is None or forced_at < self.forced_at:
            self.reason, self.forced_at = reason, forced_at

    def is_forced(self, now: float) -> bool:
        return self.forced_at is not None and now >= self.forced_at

    def warm_up(self, legs: EngineLegs, serving: EngineLeg, now: float) -> None:
        """Open the next session beside the one that serves; a long history may stay there."""
        if now >= self._retry_at:
            self._tried.clear()
        stays = self.reason is HandOffReason.CONTEXT
        leg = legs.open(self._tried | (set() if stays else {serving.session.replica}))
        if leg is not None:
            leg.open(self.reason.bounds)
            self.warm = leg

    def cool(self, legs: EngineLegs, now: float) -> None:
        """Let go of the session that was being warmed, if one was."""
        if self.warm is not None:
            self._tried.add(self.warm.session.replica)
            self._retry_at = now + RETRY_S
            legs.dismiss(self.warm, failed=not self.warm.ready)
            self.warm = None

    def is_cold(self, now: float) -> bool:
        """Whether the session that was to be warmed takes too long."""
        warm = self.warm
        return warm is not None and not warm.ready and now - warm.opened_at > WARM_TIMEOUT_S
