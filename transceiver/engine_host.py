"""What an engine's link needs of the call that it is of."""

from typing import Protocol

from antiphon_proto.trunk import Event, Open
from transceiver.engine_leg import Resumption


class EngineHost(Protocol):
    """The call, as its engine's listener and as what a next session is told of."""

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None: ...

    def engine_event(self, event: Event) -> None: ...

    def engine_opening(self) -> Open:
        """The conversation as it is, without the answer that is being given."""

    def engine_resumptions(self) -> tuple[Resumption, ...]:
        """The answers that are being given, if any are: another engine will give the rest."""

    def engine_pauses(self) -> bool:
        """Whether nobody speaks, or has said anything that waits for an answer."""

    def fail(self) -> None:
        """End the call for the defect that is being handled."""
