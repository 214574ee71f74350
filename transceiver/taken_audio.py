"""What of each response a client that plays by itself has been sent, and the engine's credit."""

from collections import OrderedDict
from dataclasses import dataclass

from antiphon_proto.trunk import PlaybackCredit

STEP_MS = 100
"""Of audio between two credits, which cost as much as a frame does: half of what an engine may be
ahead, so that it need not wait."""

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

    def sent(self, response: int, milliseconds: float) -> bool:
        """So much more of a response came, and is on its way to the client.

        Whether `credits` are due; give them when the response ends, too.
        """
        taken = self._responses.setdefault(response, _Taken())
        taken.sent_ms += milliseconds
        self._responses.move_to_end(response)
        if len(self._responses) > MAX_RESPONSES:
            self._responses.popitem(last=False)
        return taken.sent_ms - taken.credited_ms >= STEP_MS

    def credits(self) -> list[PlaybackCredit]:
        """What counts as played if the client has taken all that was sent, where that is new."""
        due = []
        for response, taken in self._responses.items():
            if taken.sent_ms > taken.credited_ms:
                taken.credited_ms = taken.sent_ms
                due.append(PlaybackCredit(response, int(taken.sent_ms)))
        return due
