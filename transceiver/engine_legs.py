"""The sessions of one call: opened at replicas, listened to, let go of."""

from collections.abc import Callable, Collection
from typing import Protocol

from antiphon_proto.trunk import Event
from chassis.host_port import HostPort
from transceiver.engine_host import EngineHost
from transceiver.engine_leg import EngineLeg, Replicas


class LegListener(Protocol):
    """Hears what each of the sessions tells."""

    host: EngineHost
    serving: EngineLeg | None

    def heard(self, leg: EngineLeg, event: Event) -> None: ...

    def gone(self, leg: EngineLeg) -> None:
        """Its trunk broke."""


class _Ear:
    """What one leg's session tells to.

    All calls of a replica lose it together: a defect in one is its own.
    """

    leg: EngineLeg

    def __init__(self, link: LegListener) -> None:
        self.link = link

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None:
        if self.link.serving is self.leg:
            self.link.host.engine_audio(response, offset, pcm)

    def engine_event(self, event: Event) -> None:
        try:
            self.link.heard(self.leg, event)
        except Exception:  # noqa: BLE001
            self.link.host.fail()

    def engine_lost(self) -> None:
        try:
            self.link.gone(self.leg)
        except Exception:  # noqa: BLE001
            self.link.host.fail()


class EngineLegs:
    """`clock` is monotonic."""

    def __init__(self, replicas: Replicas, link: LegListener, clock: Callable[[], float]) -> None:
        self._replicas = replicas
        self._link: LegListener | None = link
        self._clock = clock

    def open(self, but: Collection[HostPort] = ()) -> EngineLeg | None:
        """A session at a replica that is none of those, if one takes it."""
        if self._link is None:
            return None
        ear = _Ear(self._link)
        session = self._replicas.open(ear, but)
        if session is None:
            return None
        leg = ear.leg = EngineLeg(session, self._link.host.engine_opening, self._clock())
        return leg

    def dismiss(self, leg: EngineLeg, *, failed: bool = False) -> None:
        """Have nothing more to do with one."""
        if failed:
            self._replicas.failed(leg.session.replica)
        leg.session.close("handed_off")

    def close(self) -> None:
        """Open none any more, and know of nobody who would hear them."""
        self._link = None
