"""The reflector's side of ICE: it answers checks, and checks the addresses that they come from.

https://datatracker.ietf.org/doc/html/rfc8445#section-7.3
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.stun import StunClass, StunError, StunMessage
from loadtest.reflector.session_table import OwnedSession, SessionTable

CHECK_AGAIN_S = 0.25
CHECKED_TIMES = 20
"""After so many checks without an answer the owner waits for the caller's next one."""
PRIORITY = 0x6E7F1EFF
"""Of a peer-reflexive candidate: https://datatracker.ietf.org/doc/html/rfc8445#section-5.1.2.1"""


class CheckOutcome(Enum):
    """What a STUN message came to."""

    REFUSED = "refused"
    ANSWERED = "answered"
    MOVED = "moved"
    """Answered, and the caller is at an address where it was not before."""
    CONFIRMED = "confirmed"
    """The caller answered this side's check."""
    NOTHING = "nothing"


@dataclass(slots=True)
class _Check:
    """One of ours, unanswered."""

    session: OwnedSession
    client: Address
    datagram: bytes
    due_at: float
    left: int = CHECKED_TIMES


class OwnerChecks:
    """Takes STUN messages; what is to be sent waits in `take`."""

    def __init__(self, sessions: SessionTable, random_bytes: Callable[[int], bytes]) -> None:
        self._sessions = sessions
        self._random_bytes = random_bytes
        self._checks: dict[bytes, _Check] = {}
        """By transaction, those due first in front."""
        self._leaving: list[tuple[bytes, Address]] = []
        self.left: tuple[OwnedSession, Address] | None = None
        """Of MOVED: the address that the caller left, where it had one."""

    def take(self) -> list[tuple[bytes, Address]]:
        """Datagrams to send, each with the client that it is for."""
        leaving, self._leaving = self._leaving, []
        return leaving

    def receive(
        self, datagram: bytes, client: Address, now: float
    ) -> tuple[CheckOutcome, OwnedSession | None]:
        """Take a client's STUN message."""
        try:
            message = stun.parse(datagram)
        except StunError:
            return CheckOutcome.REFUSED, None
        if message.message_class is StunClass.REQUEST:
            return self._answer(message, client, now)
        return self._settle(message, client)

    def tick(self, now: float) -> None:
        """Repeat checks that are due."""
        due = [key for key, check in self._checks.items() if check.due_at <= now]
        for transaction in due:
            check = self._checks.pop(transaction)
            if check.left and check.session.client == check.client:
                check.due_at, check.left = now + CHECK_AGAIN_S, check.left - 1
                self._checks[transaction] = check
                self._leaving.append((check.datagram, check.client))

    def _answer(
        self, message: StunMessage, client: Address, now: float
    ) -> tuple[CheckOutcome, OwnedSession | None]:
        session = self._sessions.by_ufrag(message.local_ufrag or b"")
        if session is None or not message.verify(session.password):
            return CheckOutcome.REFUSED, session
        self._sessions.heard(session, now)
        answer = stun.binding_success(
            message.transaction_id, mapped=client, password=session.password
        )
        self._leaving.append((answer, client))
        if session.client == client:
            return CheckOutcome.ANSWERED, session
        self._check(session, client, now)
        return CheckOutcome.MOVED, session

    def _check(self, session: OwnedSession, client: Address, now: float) -> None:
        self.left = None if session.client is None else (session, session.client)
        self._sessions.move(session, client)
        transaction = self._random_bytes(12)
        datagram = stun.binding_request(
            transaction,
            username=session.caller_ufrag + b":" + session.ufrag,
            password=session.caller_password,
            priority=PRIORITY,
            tie_breaker=session.number,
            controlling=False,
        )
        self._checks[transaction] = _Check(session, client, datagram, now + CHECK_AGAIN_S)
        self._leaving.append((datagram, client))

    def _settle(
        self, message: StunMessage, client: Address
    ) -> tuple[CheckOutcome, OwnedSession | None]:
        check = self._checks.get(message.transaction_id)
        if check is None:
            return CheckOutcome.NOTHING, None
        session = check.session
        genuine = message.message_class is StunClass.SUCCESS and client == check.client
        if not genuine or not message.verify(session.caller_password):
            return CheckOutcome.REFUSED, session
        del self._checks[message.transaction_id]
        if session.client != client:
            return CheckOutcome.NOTHING, session
        self._sessions.bind(session)
        return CheckOutcome.CONFIRMED, session
