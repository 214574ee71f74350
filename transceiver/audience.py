"""Who hears a call's events beside its client."""

from itertools import count

from transceiver.close_reason import CloseReason
from transceiver.conversation_outputs import CLIENT, EVERYONE, SIDEBANDS
from transceiver.sideband import Sideband, SidebandHost

MAX_SIDEBANDS = 8
"""Of one call, at once."""


class AudienceFullError(Exception):
    """A call has as many sidebands as it may."""


class Audience:
    """A call's sidebands, by numbers from 1 on that are never used twice."""

    def __init__(self) -> None:
        self._sidebands: dict[int, Sideband] = {}
        self._numbers = count(CLIENT + 1)

    def __len__(self) -> int:
        return len(self._sidebands)

    def admit(self, host: SidebandHost) -> Sideband:
        """Make room for one more, until it is removed. Raises AudienceFullError."""
        if len(self._sidebands) >= MAX_SIDEBANDS:
            raise AudienceFullError
        number = next(self._numbers)
        sideband = self._sidebands[number] = Sideband(number, host)
        return sideband

    def remove(self, number: int) -> None:
        """Let go of one that is closed."""
        self._sidebands.pop(number, None)

    def hear(self, event: bytes, to: int) -> None:
        """Send an event to those of the sidebands that it is for."""
        if to in (EVERYONE, SIDEBANDS):
            for sideband in list(self._sidebands.values()):
                sideband.send(event)
        elif to in self._sidebands:
            self._sidebands[to].send(event)

    def close(self, reason: CloseReason) -> None:
        """The call has ended."""
        for sideband in list(self._sidebands.values()):
            sideband.close(reason)
