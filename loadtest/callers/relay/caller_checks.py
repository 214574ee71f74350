"""A relay caller's side of ICE: it is controlling, has one path, and checks it all the time.

https://datatracker.ietf.org/doc/html/rfc8445#section-7
https://datatracker.ietf.org/doc/html/rfc7675
"""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.callers.address import Address
from loadtest.callers.stun_message import (
    BINDING_REQUEST,
    BINDING_SUCCESS,
    TRANSACTION_BYTES,
    StunError,
    StunMessage,
    binding_request,
    binding_success,
    parse,
)
from loadtest.reflected_session import Session

MAX_OUTSTANDING = 8


@dataclass(frozen=True, slots=True)
class Heard:
    """What a STUN message came to; nothing of it where the message was not genuine."""

    answer: bytes | None = None
    """To be sent: the far side checked this one."""
    sent_at: float | None = None
    """When the check was sent that this answers."""
    genuine: bool = True


class CallerChecks:
    """Of one call. Times are seconds of one monotonic clock."""

    def __init__(
        self, session: Session, relay: Address, random_bytes: Callable[[int], bytes]
    ) -> None:
        """`relay`: where the owner's checks come from."""
        self._username = f"{session.ufrag}:{session.caller_ufrag}".encode()
        self._checked_as = f"{session.caller_ufrag}:{session.ufrag}".encode()
        self._password = session.password.encode()
        self._own_password = session.caller_password.encode()
        self._relay = relay
        self._random_bytes = random_bytes
        self._outstanding: dict[bytes, float] = {}
        self.answered = False
        """Whether the far side answered any check."""
        self.checked = False
        """Whether it checked this one, and was answered."""

    def check(self, now: float) -> bytes:
        """The next check; what came before it may still be answered."""
        transaction = self._random_bytes(TRANSACTION_BYTES)
        self._outstanding[transaction] = now
        if len(self._outstanding) > MAX_OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]
        return binding_request(transaction, username=self._username, password=self._password)

    def receive(self, datagram: bytes) -> Heard:
        """Take a STUN message."""
        try:
            message = parse(datagram)
        except StunError:
            return Heard(genuine=False)
        if message.message_type == BINDING_SUCCESS:
            return self._settle(message)
        if message.message_type == BINDING_REQUEST:
            return self._answer(message)
        return Heard(genuine=False)

    def _settle(self, message: StunMessage) -> Heard:
        sent_at = self._outstanding.get(message.transaction_id)
        if sent_at is None or not message.verify(self._password):
            return Heard(genuine=False)
        self._outstanding.clear()
        self.answered = True
        return Heard(sent_at=sent_at)

    def _answer(self, message: StunMessage) -> Heard:
        if message.username != self._checked_as or not message.verify(self._own_password):
            return Heard(genuine=False)
        self.checked = True
        answer = binding_success(
            message.transaction_id, mapped=self._relay, password=self._own_password
        )
        return Heard(answer=answer)
