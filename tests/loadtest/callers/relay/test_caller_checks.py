"""A caller's checks against the codec that the deployment's tiers use."""

import secrets

import pytest

from antiphon_proto import stun
from loadtest.callers.relay.caller_checks import CallerChecks
from loadtest.reflected_session import Session

RELAY = ("192.0.2.1", 3478)
CALLER = ("203.0.113.9", 50000)
SESSION = Session(3, 99, 7, "Ufrag", "password" * 3, "caller", "callers-password")


@pytest.fixture
def checks() -> CallerChecks:
    return CallerChecks(SESSION, RELAY, secrets.token_bytes)


def answer(check: bytes, password: bytes = SESSION.password.encode()) -> bytes:
    transaction = stun.parse(check).transaction_id
    return stun.binding_success(transaction, mapped=CALLER, password=password)


def owners_check(ufrag: bytes = b"caller:Ufrag", password: bytes = b"callers-password") -> bytes:
    return stun.binding_request(
        bytes(12), username=ufrag, password=password, priority=1, tie_breaker=1, controlling=False
    )


def test_its_check_is_as_the_owner_wants_it(checks: CallerChecks) -> None:
    message = stun.parse(checks.check(1.0))
    assert message.username == b"Ufrag:caller"
    assert message.verify(SESSION.password.encode())
    assert message.use_candidate
    assert message.ice_controlling is not None


def test_an_answer_tells_when_its_check_was_sent(checks: CallerChecks) -> None:
    first = checks.check(1.0)
    checks.check(2.0)
    heard = checks.receive(answer(first))
    assert (heard.genuine, heard.sent_at, checks.answered) == (True, 1.0, True)
    assert not checks.receive(answer(first)).genuine


def test_the_owners_check_is_answered(checks: CallerChecks) -> None:
    heard = checks.receive(owners_check())
    assert heard.answer is not None
    message = stun.parse(heard.answer)
    assert message.mapped_address == RELAY
    assert message.verify(SESSION.caller_password.encode())
    assert checks.checked


@pytest.mark.parametrize(
    "datagram",
    [
        owners_check(ufrag=b"other:Ufrag"),
        owners_check(password=b"another"),
        stun.binding_success(bytes(12), mapped=CALLER, password=b"x"),
        b"\x00\x01 no STUN",
        b"",
    ],
)
def test_what_is_not_genuine_changes_nothing(checks: CallerChecks, datagram: bytes) -> None:
    check = checks.check(1.0)
    assert not checks.receive(datagram).genuine
    assert not checks.receive(answer(check, b"another")).genuine
    assert (checks.answered, checks.checked) == (False, False)
