"""The reflector's checks: what it answers, whom it checks, and who is bound by that."""

import itertools
import secrets
from dataclasses import dataclass

import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
from loadtest.reflected_session import Session
from loadtest.reflector.owner_checks import CHECK_AGAIN_S, CHECKED_TIMES, CheckOutcome, OwnerChecks
from loadtest.reflector.session_rows import SessionState, new_rows
from loadtest.reflector.session_table import (
    REST_S,
    SILENT_S,
    UNCHECKED_S,
    NoSessionsLeftError,
    SessionTable,
)

CLIENT, ELSEWHERE = ("203.0.113.9", 50000), ("2001:db8::9", 50001)
ROWS = 3


@dataclass
class Owner:
    """A table of few sessions, and the checks of one of them."""

    def __post_init__(self) -> None:
        numbers = itertools.count()
        self.rows = new_rows(ROWS)
        self.table = SessionTable(self.rows, lambda: (f"ufrag{next(numbers)}", "p" * 24))
        [self.session] = self.table.grant(1, 0.0)
        self.checks = OwnerChecks(self.table, secrets.token_bytes)

    @property
    def state(self) -> SessionState:
        return SessionState(self.rows[self.session.number]["state"])

    def check(self, client: Address = CLIENT, now: float = 1.0) -> CheckOutcome:
        outcome, _session = self.checks.receive(callers_check(self.session), client, now)
        return outcome

    def taken(self) -> list[tuple[stun.StunMessage, Address]]:
        return [(stun.parse(datagram), client) for datagram, client in self.checks.take()]

    def owners_check(self) -> bytes:
        """The transaction of the check that waits to be sent."""
        return self.taken()[-1][0].transaction_id

    def answer(self, transaction: bytes, client: Address = CLIENT) -> CheckOutcome:
        password = self.session.caller_password.encode()
        datagram = stun.binding_success(transaction, mapped=("192.0.2.1", 1), password=password)
        return self.checks.receive(datagram, client, 1.0)[0]


def callers_check(session: Session, password: str | None = None) -> bytes:
    return stun.binding_request(
        secrets.token_bytes(12),
        username=f"{session.ufrag}:{session.caller_ufrag}".encode(),
        password=(password or session.password).encode(),
        priority=1,
        tie_breaker=1,
        controlling=True,
    )


@pytest.fixture
def owner() -> Owner:
    return Owner()


def test_the_first_check_is_answered_and_returned(owner: Owner) -> None:
    assert owner.check() is CheckOutcome.MOVED
    [(answer, first), (check, second)] = owner.taken()
    assert first == second == CLIENT
    assert answer.mapped_address == CLIENT
    assert answer.verify(owner.session.password.encode())
    assert check.local_ufrag == owner.session.caller_ufrag.encode()
    assert check.verify(owner.session.caller_password.encode())
    assert owner.state is SessionState.CHECKED


def test_whoever_answers_the_owners_check_is_bound(owner: Owner) -> None:
    owner.check()
    transaction = owner.owners_check()
    assert owner.answer(transaction, ELSEWHERE) is CheckOutcome.REFUSED
    assert owner.answer(transaction) is CheckOutcome.CONFIRMED
    assert owner.state is SessionState.BOUND
    assert owner.answer(transaction) is CheckOutcome.NOTHING


def test_later_checks_are_answered_and_no_more(owner: Owner) -> None:
    owner.check()
    owner.taken()
    assert owner.check() is CheckOutcome.ANSWERED
    assert len(owner.taken()) == 1


def test_a_check_from_elsewhere_moves_the_session(owner: Owner) -> None:
    owner.check()
    assert owner.checks.left is None
    assert owner.answer(owner.owners_check()) is CheckOutcome.CONFIRMED
    assert owner.check(ELSEWHERE) is CheckOutcome.MOVED
    assert owner.checks.left is not None
    assert owner.checks.left[1] == CLIENT
    assert owner.state is SessionState.CHECKED
    row = owner.rows[owner.session.number]
    assert row["former"][0] == 4
    assert row["client"][0] == 6


def test_an_unanswered_check_is_repeated_for_a_while(owner: Owner) -> None:
    owner.check()
    transaction = owner.owners_check()
    repeats = 0
    for step in range(2 * CHECKED_TIMES):
        owner.checks.tick(1.0 + (step + 1) * CHECK_AGAIN_S)
        repeats += sum(message.transaction_id == transaction for message, _ in owner.taken())
    assert repeats == CHECKED_TIMES


def test_forged_checks_are_refused(owner: Owner) -> None:
    stranger = Session(1, 2, 3, "nobody", "p" * 24, "caller", "q")
    for datagram in b"\0\1", callers_check(stranger), callers_check(owner.session, "forged"):
        assert owner.checks.receive(datagram, CLIENT, 1.0)[0] is CheckOutcome.REFUSED
    assert owner.checks.take() == []
    assert owner.state is SessionState.GRANTED


def test_there_are_so_many_sessions_and_no_more(owner: Owner) -> None:
    owner.table.grant(ROWS - 1, 0.0)
    with pytest.raises(NoSessionsLeftError):
        owner.table.grant(1, 0.0)


def test_a_number_rests_before_it_is_given_again(owner: Owner) -> None:
    owner.table.grant(ROWS - 1, 0.0)
    number = owner.session.number
    assert owner.table.end(number, 10.0) is not None
    assert owner.table.end(number, 10.0) is None
    assert owner.state is SessionState.ENDED
    with pytest.raises(NoSessionsLeftError):
        owner.table.grant(1, 10.0 + REST_S / 2)
    [again] = owner.table.grant(1, 10.0 + REST_S)
    assert (again.number, again.tag != owner.session.tag) == (number, True)


@pytest.mark.parametrize("number", [-1, ROWS, 10**9])
def test_nobody_ends_what_is_not_there(owner: Owner, number: int) -> None:
    assert owner.table.end(number, 1.0) is None


def test_silent_sessions_are_found(owner: Owner) -> None:
    assert owner.table.silent(UNCHECKED_S) == []
    assert owner.table.silent(UNCHECKED_S + 1) == [owner.session.number]
    owner.check(now=100.0)
    assert owner.table.silent(100.0 + SILENT_S) == []
    assert owner.table.silent(101.0 + SILENT_S) == [owner.session.number]
