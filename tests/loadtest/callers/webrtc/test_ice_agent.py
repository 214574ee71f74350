import itertools
import random

import pytest

from loadtest.callers import stun_message
from loadtest.callers.address import Address
from loadtest.callers.webrtc.ice_agent import CONSENT_S, IceAgent
from loadtest.callers.webrtc.session_description import LocalDescription, RemoteDescription

NEAR, FAR = ("192.0.2.1", 3478), ("198.51.100.1", 3478)
US = ("203.0.113.9", 5000)
PASSWORD = b"their password, long enough"


def agent(*addresses: Address) -> IceAgent:
    local = LocalDescription("ours", "our password, long enough", US, "", 1)
    remote = RemoteDescription(
        ufrag=b"theirs",
        password=PASSWORD,
        addresses=addresses or (NEAR,),
        fingerprint="",
        dtls_client=True,
        opus=111,
        red=None,
        data_channel=False,
    )
    return IceAgent(local, remote, random.Random(1))


def answered(check: bytes, password: bytes = PASSWORD) -> bytes:
    request = stun_message.parse(check)
    return stun_message.binding_success(request.transaction_id, mapped=US, password=password)


def connected(now: float = 0.0) -> IceAgent:
    ice = agent()
    (check,) = ice.due(now)
    ice.receive(answered(check.datagram), NEAR, now + 0.05)
    return ice


def test_checks_every_candidate_and_nominates() -> None:
    checks = agent(NEAR, FAR).due(0.0)

    assert [check.to for check in checks] == [NEAR, FAR]
    request = stun_message.parse(checks[0].datagram)
    assert request.username == b"theirs:ours"
    assert request.use_candidate
    assert request.verify(PASSWORD)


def test_checks_again_later_and_later_until_it_is_answered() -> None:
    ice, times, now = agent(), [], 0.0
    while now < 6:
        if ice.due(now):
            times.append(now)
        now += 0.05

    gaps = [round(later - earlier, 2) for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([0.25, 0.5, 1.0, 2.0, 2.0], abs=0.06)


def test_selects_what_answers_first_and_tells_the_round_trip() -> None:
    ice = agent(NEAR, FAR)
    checks = ice.due(1.0)
    ice.receive(answered(checks[1].datagram), FAR, 1.04)
    ice.receive(answered(checks[0].datagram), NEAR, 1.08)

    assert ice.selected == FAR
    assert ice.take_round_trips() == [pytest.approx(0.04), pytest.approx(0.08)]


def test_an_answer_without_the_password_is_none() -> None:
    ice = agent()
    (check,) = ice.due(0.0)
    ice.receive(answered(check.datagram, b"a guess"), NEAR, 0.05)

    assert ice.selected is None
    assert ice.unauthenticated == 1


def test_an_answer_to_no_check_of_ours_is_none() -> None:
    ice = agent()
    ice.due(0.0)
    stray = stun_message.binding_success(bytes(12), mapped=US, password=PASSWORD)
    ice.receive(stray, NEAR, 0.05)

    assert ice.selected is None


def test_keeps_asking_for_consent_and_loses_it() -> None:
    ice, asked = connected(), []
    for tick in range(1, 400):
        if ice.due(tick / 10):
            asked.append(tick / 10)

    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert all(3.9 <= gap <= 6.1 for gap in gaps)
    assert ice.consents(CONSENT_S)
    assert not ice.consents(CONSENT_S + 0.1)


def test_answers_checks_of_who_knows_the_password() -> None:
    ice = connected()
    check = stun_message.binding_request(
        bytes(range(12)), username=b"ours:theirs", password=b"our password, long enough"
    )
    answer = ice.receive(check, NEAR, 1.0)

    assert answer is not None
    message = stun_message.parse(answer.datagram)
    assert (answer.to, message.mapped_address) == (NEAR, NEAR)
    assert message.transaction_id == bytes(range(12))
    assert message.verify(b"our password, long enough")


@pytest.mark.parametrize(
    ("username", "password"),
    [(b"ours:theirs", b"a guess"), (b"another:theirs", b"our password, long enough")],
)
def test_does_not_answer_strangers(username: bytes, password: bytes) -> None:
    ice = connected()
    check = stun_message.binding_request(bytes(12), username=username, password=password)

    assert ice.receive(check, NEAR, 1.0) is None
    assert ice.unauthenticated == 1


def test_noise_is_counted() -> None:
    ice = agent()
    assert ice.receive(b"\0\1noise", NEAR, 0.0) is None
    assert ice.unauthenticated == 1
