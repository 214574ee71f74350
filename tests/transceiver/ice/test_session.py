"""The agent against a client scripted with the STUN codec, on a virtual clock."""

import hmac

import pytest

from antiphon_proto import stun
from tests.transceiver.ice.scripted_client import (
    CLIENT,
    HIGHEST,
    HOME,
    ROAMED,
    SERVER,
    answer,
    answer_checks,
    check,
    connect,
    hear,
    make_agent,
    own_check,
    sent,
    speak,
    ticks,
    validated,
)
from transceiver.ice import IceRejection
from transceiver.ice.checks import MAX_TRANSMISSIONS
from transceiver.ice.path import CONSENT_EXPIRY_S, RESERVE_EXPIRY_S, ROAMING_EXPIRY_S
from transceiver.ice.path_table import MAX_PATHS, MAX_ROAMING
from transceiver.ice.responder import UNKNOWN_ATTRIBUTE
from transceiver.ice.role import ROLE_CONFLICT
from transceiver.ice.session import MEDIA_FRESH_S


def test_a_first_check_is_answered_checked_back_and_selects_its_address() -> None:
    agent = make_agent()
    request = check()
    hear(agent, request, HOME, 0.0)

    (response, response_to), (triggered, triggered_to) = sent(agent)
    assert response.message_class is stun.StunClass.SUCCESS
    assert response.transaction_id == stun.parse(request).transaction_id
    assert response.mapped_address == HOME
    assert response.verify(SERVER.password.encode())
    assert triggered.username == b"clnt:serverufrag"
    assert triggered.verify(CLIENT.password.encode())
    assert triggered.ice_controlled is not None
    assert response_to == triggered_to == HOME
    assert agent.selected == HOME
    assert agent.knows(HOME)
    assert validated(agent) == []


def test_the_answer_to_its_own_check_validates_the_address_and_measures_the_round_trip() -> None:
    agent = make_agent()
    hear(agent, check(), HOME, 1.0)
    hear(agent, answer(own_check(agent)), HOME, 1.08)

    assert validated(agent) == [HOME]
    assert agent.rtt == pytest.approx(0.08)


def test_a_nominated_address_takes_over_once_it_has_answered() -> None:
    agent = make_agent()
    connect(agent)
    hear(agent, check(), ROAMED, 10.0)
    assert agent.selected == HOME

    hear(agent, answer(own_check(agent)), ROAMED, 10.1)
    assert agent.selected == ROAMED
    assert validated(agent) == [HOME, ROAMED]


def test_the_client_may_return_to_its_former_address() -> None:
    agent = make_agent()
    connect(agent)
    connect(agent, ROAMED, 10.0)
    hear(agent, check(), HOME, 12.0)
    assert agent.selected == HOME


def test_an_address_without_nomination_is_kept_in_reserve() -> None:
    agent = make_agent()
    connect(agent)
    hear(agent, check(use_candidate=False), ROAMED, 1.0)
    hear(agent, answer(own_check(agent)), ROAMED, 1.1)
    assert agent.selected == HOME

    hear(agent, check(use_candidate=True), ROAMED, 2.0)
    assert agent.selected == ROAMED


@pytest.mark.parametrize(
    "forged",
    [
        check(password=b"a-guess"),
        check(username=b"otherufrag:clnt"),
        check(username=b"serverufrag"),
        check(username=b""),
    ],
)
def test_a_check_that_does_not_know_the_credentials_is_not_answered(forged: bytes) -> None:
    agent = make_agent()
    hear(agent, forged, HOME, 0.0)
    assert agent.take_datagrams() == []
    assert agent.selected is None
    assert agent.rejections == {IceRejection.UNAUTHENTICATED: 1}


def test_a_check_without_message_integrity_is_not_answered() -> None:
    agent = make_agent()
    bare = b"\x00\x01\x00\x14\x21\x12\xa4\x42" + bytes(12)
    bare += b"\x00\x06\x00\x10" + b"serverufrag:clnt"
    hear(agent, bare, HOME, 0.0)
    assert agent.take_datagrams() == []
    assert agent.rejections == {IceRejection.UNAUTHENTICATED: 1}


def test_an_unknown_comprehension_required_attribute_draws_420() -> None:
    request = bytearray(check())
    # PRIORITY (0x0024) becomes 0x7f24; the integrity is computed again over the result.
    at = request.index(b"\x00\x24\x00\x04")
    request[at] = 0x7F
    agent = make_agent()
    hear(agent, _resigned(bytes(request)), HOME, 0.0)
    ((response, _),) = sent(agent)
    assert response.error_code == UNKNOWN_ATTRIBUTE
    assert agent.selected is None
    assert agent.rejections == {IceRejection.UNKNOWN_ATTRIBUTE: 1}


def _resigned(message: bytes) -> bytes:
    """The message with a valid MESSAGE-INTEGRITY and without FINGERPRINT."""
    body = message[:-32]  # MESSAGE-INTEGRITY is 24 bytes, FINGERPRINT 8.
    head = body[:2] + (len(body) + 24 - 20).to_bytes(2, "big") + body[4:]
    digest = hmac.digest(SERVER.password.encode(), head, "sha1")
    return head + b"\x00\x08\x00\x14" + digest


def test_other_methods_and_keepalives_have_no_effect() -> None:
    agent = make_agent()
    allocate = b"\x00\x03\x00\x00\x21\x12\xa4\x42" + bytes(12)
    indication = b"\x00\x11\x00\x00\x21\x12\xa4\x42" + bytes(12)
    hear(agent, allocate, HOME, 0.0)
    hear(agent, indication, HOME, 0.0)
    assert agent.take_datagrams() == []
    assert agent.rejections == {IceRejection.UNSUPPORTED: 1}


class TestRoleConflict:
    """https://www.rfc-editor.org/rfc/rfc8445#section-7.3.1.1"""

    def test_the_higher_tie_breaker_keeps_the_client_controlled_and_makes_us_control(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0, use_candidate=False), HOME, 0.0)
        assert agent.controlling
        triggered = own_check(agent)
        assert triggered.ice_controlling is not None

    def test_the_lower_tie_breaker_draws_487(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=HIGHEST), HOME, 0.0)
        ((response, _),) = sent(agent)
        assert response.error_code == ROLE_CONFLICT
        assert not agent.controlling
        assert agent.selected is None

    def test_a_controlling_agent_yields_to_a_higher_tie_breaker(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0), HOME, 0.0)
        hear(agent, check(controlling=True, tie_breaker=HIGHEST), HOME, 0.1)
        assert not agent.controlling

    def test_a_controlling_agent_refuses_a_lower_tie_breaker(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0), HOME, 0.0)
        agent.take_datagrams()
        hear(agent, check(controlling=True, tie_breaker=0), HOME, 0.1)
        ((response, _),) = sent(agent)
        assert response.error_code == ROLE_CONFLICT
        assert agent.controlling

    def test_a_controlling_agent_nominates_the_address_that_answered(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0), HOME, 0.0)
        hear(agent, answer(own_check(agent)), HOME, 0.1)
        nomination = own_check(agent)
        assert nomination.use_candidate
        hear(agent, answer(nomination), HOME, 0.2)
        assert agent.selected == HOME
        assert agent.take_datagrams() == []

    def test_a_487_from_the_client_switches_our_role_and_repeats_the_check(self) -> None:
        agent = make_agent()
        hear(agent, check(), HOME, 0.0)
        refused = own_check(agent)
        hear(
            agent,
            stun.binding_error(
                refused.transaction_id,
                code=ROLE_CONFLICT,
                reason="Role Conflict",
                password=CLIENT.password.encode(),
            ),
            HOME,
            0.1,
        )
        repeated = own_check(agent)
        assert agent.controlling
        assert repeated.ice_controlling is not None
        assert repeated.transaction_id != refused.transaction_id


class TestResponses:
    def test_a_response_from_another_address_is_ignored(self) -> None:
        agent = make_agent()
        hear(agent, check(), HOME, 0.0)
        hear(agent, answer(own_check(agent)), ROAMED, 0.1)
        assert validated(agent) == []
        assert agent.rejections == {IceRejection.UNEXPECTED_RESPONSE: 1}

    def test_a_response_that_does_not_know_the_password_is_ignored(self) -> None:
        agent = make_agent()
        hear(agent, check(), HOME, 0.0)
        request = own_check(agent)
        forged = stun.binding_success(request.transaction_id, mapped=HOME, password=b"a-guess")
        hear(agent, forged, HOME, 0.1)
        assert validated(agent) == []
        hear(agent, answer(request), HOME, 0.1)
        assert validated(agent) == [HOME]

    def test_a_check_that_the_client_refuses_is_asked_again_as_consent(self) -> None:
        agent = make_agent()
        hear(agent, check(), HOME, 0.0)
        refusal = stun.binding_error(
            own_check(agent).transaction_id,
            code=400,
            reason="Bad Request",
            password=CLIENT.password.encode(),
        )
        hear(agent, refusal, HOME, 0.1)
        assert validated(agent) == []
        assert agent.rejections == {IceRejection.FAILED_CHECK: 1}
        assert len(ticks(agent, 0.1, 6.5)) >= 1

    def test_a_response_counts_once(self) -> None:
        agent = make_agent()
        hear(agent, check(), HOME, 0.0)
        response = answer(own_check(agent))
        hear(agent, response, HOME, 0.1)
        hear(agent, response, HOME, 0.2)
        assert agent.rejections == {IceRejection.UNEXPECTED_RESPONSE: 1}


def test_an_unanswered_check_is_repeated_with_growing_pauses_then_given_up() -> None:
    agent = make_agent()
    hear(agent, check(), HOME, 0.0)
    first = own_check(agent)
    agent.credit(1000, HOME)
    repeats = ticks(agent, 0.0, 120.0)
    assert [when for when, _ in repeats] == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert len(repeats) == MAX_TRANSMISSIONS - 1
    assert {message.transaction_id for _, message in repeats} == {first.transaction_id}

    # The client's next check starts it again.
    hear(agent, check(), HOME, 121.0)
    assert own_check(agent).transaction_id != first.transaction_id


def test_a_repeated_check_measures_no_round_trip() -> None:
    agent = make_agent()
    hear(agent, check(), HOME, 0.0)
    request = own_check(agent)
    ticks(agent, 0.0, 1.0)
    hear(agent, answer(request), HOME, 1.0)
    assert validated(agent) == [HOME]
    assert agent.rtt is None


class TestConsent:
    """https://www.rfc-editor.org/rfc/rfc7675#section-5.1"""

    def test_it_is_asked_for_every_4_to_6_seconds(self) -> None:
        agent = make_agent()
        connect(agent)
        last, gaps = 0.05, []
        for step in range(10_000):
            now = step / 100
            agent.tick(now)
            for message, client in sent(agent):
                hear(agent, answer(message), client, now)
                gaps.append(now - last)
                last = now
        assert len(gaps) >= 15
        assert all(4.0 <= gap <= 6.02 for gap in gaps)
        assert len({round(gap, 1) for gap in gaps}) > 5
        assert not agent.consent_lost(100.0)

    def test_each_unanswered_request_is_a_transaction_of_its_own(self) -> None:
        agent = make_agent()
        connect(agent)
        asked = ticks(agent, 0.0, 29.0)
        assert len(asked) == len({message.transaction_id for _, message in asked}) >= 4

    def test_it_expires_30_seconds_after_the_last_answer(self) -> None:
        agent = make_agent()
        connect(agent)
        ticks(agent, 0.0, 30.0)
        assert not agent.consent_lost(CONSENT_EXPIRY_S)
        assert agent.consent_lost(CONSENT_EXPIRY_S + 0.06)

    def test_the_clients_own_checks_do_not_renew_it(self) -> None:
        agent = make_agent()
        connect(agent)
        hear(agent, check(), HOME, 29.0)
        assert agent.consent_lost(31.0)

    def test_before_any_client_there_is_none_to_lose(self) -> None:
        assert not make_agent().consent_lost(1e9)


class TestRebinding:
    """Media from an address that no check came from."""

    def test_it_is_checked_and_claimed_but_not_sent_to(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        [(request, to)] = sent(agent)
        assert request.message_class is stun.StunClass.REQUEST
        assert to == ROAMED
        assert agent.knows(ROAMED)
        assert agent.selected == HOME
        assert agent.bindings == {HOME: True, ROAMED: False}

    def test_once_it_has_answered_it_is_selected_and_the_old_address_is_given_up(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        revision = agent.revision
        hear(agent, answer(own_check(agent)), ROAMED, 1.1)
        assert agent.selected == ROAMED
        assert agent.bindings == {ROAMED: True}
        assert agent.revision != revision
        assert agent.rtt == pytest.approx(0.1)

    def test_consent_is_asked_for_at_the_new_address(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        hear(agent, answer(own_check(agent)), ROAMED, 1.1)
        agent.tick(8.0)
        assert [client for _, client in sent(agent)] == [ROAMED]
        assert not agent.consent_lost(31.0)
        assert agent.consent_lost(31.2)

    def test_a_client_that_went_back_before_it_answered_stays_where_it_is(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        speak(agent, HOME, 1.02)
        hear(agent, answer(own_check(agent)), ROAMED, 1.1)
        assert agent.selected == HOME
        assert validated(agent) == [HOME, ROAMED]
        speak(agent, ROAMED, 1.12)
        assert agent.selected == ROAMED
        assert validated(agent) == [ROAMED]

    def test_without_further_media_the_check_is_sent_once(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        asked = []
        for step in range(100, 3000):
            agent.tick(step / 100)
            asked += [client for _, client in sent(agent)]
        assert asked.count(ROAMED) == 1
        assert not agent.knows(ROAMED)
        assert agent.bindings == {HOME: True}

    def test_it_is_forgotten_some_time_after_the_last_packet(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        agent.tick(1.0 + ROAMING_EXPIRY_S)
        assert agent.knows(ROAMED)
        agent.tick(1.1 + ROAMING_EXPIRY_S)
        assert not agent.knows(ROAMED)

    def test_a_lost_check_is_repeated_with_further_media(self) -> None:
        agent = make_agent()
        connect(agent)
        asked = []
        for step in range(60):
            now = 1 + step / 50
            speak(agent, ROAMED, now)
            asked += [(now, message) for message, _ in sent(agent)]
        assert [now for now, _ in asked] == pytest.approx([1.0, 1.5, 2.0])
        hear(agent, answer(asked[-1][1]), ROAMED, 2.3)
        assert agent.selected == ROAMED
        assert agent.rtt == pytest.approx(0.05), "a repeated check measures nothing"

    def test_packets_too_small_for_a_check_add_up(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0, size=30)
        assert sent(agent) == []
        speak(agent, ROAMED, 1.02, size=30)
        assert len(sent(agent)) == 1

    def test_the_clients_own_check_from_there_does_as_well(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        request = own_check(agent)
        hear(agent, check(), ROAMED, 1.01)
        assert agent.bindings == {HOME: True, ROAMED: False}
        hear(agent, answer(request), ROAMED, 1.1)
        assert agent.selected == ROAMED

    def test_addresses_known_by_media_alone_do_not_crowd_out_others(self) -> None:
        agent = make_agent()
        connect(agent)
        for port in range(100):
            speak(agent, ("198.51.100.66", port), 1 + port / 100)
        assert agent.known == {
            HOME: True,
            **{("198.51.100.66", port): False for port in range(100 - MAX_ROAMING, 100)},
        }


class TestWhereTheMediaIs:
    def test_a_nomination_does_not_take_the_media_from_the_path_it_is_on(self) -> None:
        agent = make_agent()
        connect(agent, ROAMED)
        speak(agent, ROAMED, 9.99)
        hear(agent, check(use_candidate=True), HOME, 10.0)
        hear(agent, answer(own_check(agent)), HOME, 10.05)
        assert agent.selected == ROAMED

        speak(agent, ROAMED, 10.5)
        hear(agent, check(use_candidate=True), HOME, 10.5 + MEDIA_FRESH_S - 0.01)
        assert agent.selected == ROAMED

    def test_without_media_the_nomination_decides(self) -> None:
        agent = make_agent()
        connect(agent, ROAMED)
        speak(agent, ROAMED, 10.0)
        hear(agent, check(use_candidate=False), HOME, 10.0)
        hear(agent, answer(own_check(agent)), HOME, 10.05)
        hear(agent, check(use_candidate=True), HOME, 10.0 + MEDIA_FRESH_S)
        assert agent.selected == HOME

    def test_a_nomination_that_was_overruled_has_no_effect_later(self) -> None:
        agent = make_agent()
        connect(agent, ROAMED)
        speak(agent, ROAMED, 10.0)
        hear(agent, check(use_candidate=True), HOME, 10.1)
        hear(agent, answer(own_check(agent)), HOME, 10.15)
        hear(agent, check(use_candidate=False), HOME, 14.0)
        assert agent.selected == ROAMED

    def test_media_on_a_path_in_reserve_selects_it(self) -> None:
        agent = make_agent()
        connect(agent)
        hear(agent, check(use_candidate=False), ROAMED, 1.0)
        hear(agent, answer(own_check(agent)), ROAMED, 1.05)
        speak(agent, ROAMED, 2.0)
        assert agent.selected == ROAMED
        assert agent.bindings == {ROAMED: True}

    def test_the_left_path_opens_again_in_reserve_when_the_client_checks_it(self) -> None:
        agent = make_agent()
        connect(agent)
        speak(agent, ROAMED, 1.0)
        hear(agent, answer(own_check(agent)), ROAMED, 1.05)
        speak(agent, ROAMED, 1.9)
        hear(agent, check(use_candidate=True), HOME, 2.0)
        hear(agent, answer(own_check(agent)), HOME, 2.05)
        assert agent.selected == ROAMED
        assert agent.bindings == {ROAMED: True, HOME: True}

    def test_an_address_that_never_answers_yields_to_one_that_does(self) -> None:
        agent = make_agent()
        hear(agent, check(), ROAMED, 0.0)
        agent.take_datagrams()
        hear(agent, check(use_candidate=False), HOME, 0.1)
        hear(agent, answer(own_check(agent)), HOME, 0.15)
        assert agent.selected == HOME


class TestReserve:
    """Validated paths that are not selected."""

    def test_one_that_falls_silent_is_forgotten(self) -> None:
        agent = make_agent()
        connect(agent)
        connect(agent, ROAMED, 1.0)
        answer_checks(agent, 1.1, 1.0 + RESERVE_EXPIRY_S)
        assert agent.bindings == {ROAMED: True}
        assert not agent.knows(HOME)

    def test_the_clients_checks_keep_it_and_its_consent(self) -> None:
        agent = make_agent()
        connect(agent)
        connect(agent, ROAMED, 1.0)
        for second in range(2, 62, 3):
            hear(agent, check(use_candidate=False), HOME, second)
            answer_checks(agent, second, second + 3)
        assert agent.bindings == {HOME: True, ROAMED: True}
        speak(agent, HOME, 62.0)
        assert agent.selected == HOME
        assert not agent.consent_lost(62.0 + CONSENT_EXPIRY_S - RESERVE_EXPIRY_S)

    def test_one_whose_consent_is_old_is_asked_when_it_is_selected(self) -> None:
        agent = make_agent()
        connect(agent)
        connect(agent, ROAMED, 1.0)
        agent.take_datagrams()
        speak(agent, HOME, 15.0)
        assert [client for _, client in sent(agent)] == [HOME]


class TestAmplification:
    """https://www.rfc-editor.org/rfc/rfc9000#section-8"""

    def test_an_unproven_address_gets_three_times_what_it_sent(self) -> None:
        agent = make_agent()
        request = check()
        hear(agent, request, HOME, 0.0)
        left = sum(len(datagram) for datagram, _ in agent.take_datagrams())
        assert agent.spend(3 * len(request) - left, HOME)
        assert not agent.spend(1, HOME)
        agent.credit(10, HOME)
        assert not agent.spend(31, HOME)
        assert agent.spend(30, HOME)

    def test_its_own_repetitions_count(self) -> None:
        agent = make_agent()
        request = check()
        hear(agent, request, HOME, 0.0)
        left = 0
        for step in range(6000):
            agent.tick(step / 100)
            left += sum(len(datagram) for datagram, _ in agent.take_datagrams())
        assert left <= 3 * len(request)

    def test_an_answer_lifts_the_limit(self) -> None:
        agent = make_agent()
        connect(agent)
        assert agent.spend(1_000_000, HOME)

    def test_an_address_that_is_not_known_gets_nothing(self) -> None:
        assert not make_agent().spend(1, HOME)

    def test_errors_are_smaller_than_what_they_refuse(self) -> None:
        agent = make_agent()
        refused = check(controlling=False, tie_breaker=HIGHEST)
        hear(agent, refused, HOME, 0.0)
        [(datagram, _)] = agent.take_datagrams()
        assert len(datagram) <= len(refused)


def test_the_addresses_tracked_are_bounded_and_the_selected_one_is_kept() -> None:
    agent = make_agent()
    connect(agent)
    for port in range(1000, 1000 + 3 * MAX_PATHS):
        hear(agent, check(use_candidate=False), ("192.0.2.8", port), port / 1000)
    assert agent.selected == HOME
    known = [port for port in range(1000, 1100) if agent.knows(("192.0.2.8", port))]
    assert known == list(range(1000 + 2 * MAX_PATHS + 1, 1000 + 3 * MAX_PATHS))


def test_credentials_do_not_print_themselves() -> None:
    assert SERVER.password not in repr(SERVER)
    assert SERVER.ufrag not in repr(SERVER)
