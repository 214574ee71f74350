"""What of each response a client that plays by itself has been sent, and the engine's credit."""

from collections import OrderedDict
from dataclasses import dataclass

from antiphon_proto.trunk import PlaybackCredit

STEP_MS = 150
"""Of audio between two credits, for one costs as much as a frame does. Less than what an engine may
be ahead, which never waits for less."""

MAX_RESPONSES = 32
"""More than are ever given at once; of those that gave audio longest ago nothing is known."""


@dataclass(slots=True)
class _Taken:
    sent_ms: float = 0.0
    credited_ms: float = 0.0


class TakenAudio:
    """Follows the responses of one session, of which several may be given at once."""

    def __init__(self) -> None:
        self._responses: OrderedDict[int, _Taken] = OrderedDict()
        self.credit_due = False
        """Whether of any there is a step that was not credited; when one ends, credit the rest."""

    def sent(self, response: int, milliseconds: float) -> None:
        """So much more of a response came, and is on its way to the client."""
        taken = self._responses.setdefault(response, _Taken())
        taken.sent_ms += milliseconds
        self._responses.move_to_end(response)
        if len(self._responses) > MAX_RESPONSES:
            self._responses.popitem(last=False)
        if taken.sent_ms - taken.credited_ms >= STEP_MS:
            self.credit_due = True

    def credits(self) -> list[PlaybackCredit]:
        """What counts as played if the client has taken all that was sent, where that is new."""
        self.credit_due = False
        due = []
        for response, taken in self._responses.items():
            if taken.sent_ms > taken.credited_ms:
                taken.credited_ms = taken.sent_ms
                due.append(PlaybackCredit(response, int(taken.sent_ms)))
        return due
