"""Provisional responses of ours that are repeated until the peer says that it has them.

https://www.rfc-editor.org/rfc/rfc3262#section-3
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sipmessage import Request

from transceiver.sip.dialog import Fields
from transceiver.sip.extensions import RELIABLE
from transceiver.sip.message_body import SDP
from transceiver.sip.retransmission import Retransmission
from transceiver.sip.timers import Timers
from transceiver.sip.transactions.invite_server import InviteServerTransaction

MAX_FIRST_NUMBER = 2**31 - 1
_MAX_WAITING = 8


@dataclass(frozen=True, slots=True)
class _Provisional:
    status: int
    fields: Fields
    description: str | None


class ReliableProvisionals:
    """To one INVITE, one after the other."""

    def __init__(
        self,
        transaction: InviteServerTransaction,
        timers: Timers,
        random: Callable[[], float],
        on_unacknowledged: Callable[[], None],
    ) -> None:
        self._transaction = transaction
        self._timers = timers
        self._on_unacknowledged = on_unacknowledged
        self._number = int(random() * MAX_FIRST_NUMBER)
        self._current: _Provisional | None = None
        self._waiting: deque[_Provisional] = deque()
        self._repetition: Retransmission | None = None

    @property
    def holds_description(self) -> bool:
        """One with SDP is not acknowledged: the INVITE must not be accepted yet."""
        pending = (self._current, *self._waiting)
        return any(each is not None and each.description is not None for each in pending)

    def send(self, status: int, fields: Fields, description: str | None) -> None:
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(_Provisional(status, fields, description))
            self.proceed()

    def acknowledge(self, prack: Request) -> bool:
        """Whether a PRACK is for the one that was sent last; `proceed` once it is answered.

        https://www.rfc-editor.org/rfc/rfc3262#section-7.2
        """
        named = (prack.headers.get("RAck") or "").split()
        sequence = self._transaction.request.cseq.sequence
        if self._current is None or named != [str(self._number), str(sequence), "INVITE"]:
            return False
        self._current = None
        if self._repetition:
            self._repetition.stop()
        return True

    def stop(self) -> None:
        """There is a final response."""
        self._current = None
        self._waiting.clear()
        if self._repetition:
            self._repetition.stop()

    def proceed(self) -> None:
        """Send the next one, if none is under way."""
        if self._current or not self._waiting:
            return
        self._current = each = self._waiting.popleft()
        self._number += 1
        body = (each.description or "").encode()
        reliable = (("Require", RELIABLE), ("RSeq", str(self._number)))
        fields = (*each.fields, *reliable, *((SDP,) if body else ()))
        sent = self._transaction.respond(each.status, fields, body)
        self._repetition = Retransmission(
            self._timers,
            lambda: self._transaction.send_again(sent),
            self._on_unacknowledged,
            longest=math.inf,
        )
