"""ICE restarts: https://www.rfc-editor.org/rfc/rfc8445#section-9"""

import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
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
from transceiver.ice import IceAgent, IceCredentials, IceRejection
from transceiver.ice.agent import RESTART_TIMEOUT_S
from transceiver.ice.path import CONSENT_EXPIRY_S
from transceiver.ice.role import ROLE_CONFLICT

NEW_SERVER = IceCredentials("serverufrag2", "another-server-password")
NEW_CLIENT = IceCredentials("clnt2", "another-client-password")
NEW_USERNAME = b"serverufrag2:clnt2"
NEW_PASSWORD = NEW_SERVER.password.encode()
MOVED: Address = ("203.0.113.77", 61000)
"""Where the client is after it changed networks."""


def restart(agent: IceAgent, now: float) -> None:
    agent.negotiate(NEW_CLIENT, lambda: NEW_SERVER, now)


def new_check(
    *, use_candidate: bool = True, controlling: bool = True, tie_breaker: int = 1
) -> bytes:
    return check(
        username=NEW_USERNAME,
        password=NEW_PASSWORD,
        use_candidate=use_candidate,
        controlling=controlling,
        tie_breaker=tie_breaker,
    )


@pytest.fixture
def agent() -> IceAgent:
    """Connected at HOME, and asked to restart at 1 s."""
    agent = make_agent()
    connect(agent)
    restart(agent, 1.0)
    return agent


def reconnect(agent: IceAgent, client: Address, now: float) -> None:
    """The client nominates the path, which answers."""
    hear(agent, new_check(), client, now)
    hear(agent, answer(own_check(agent), NEW_CLIENT), client, now + 0.05)


class TestWhileTheOldPathIsAlive:
    def test_media_stays_there_until_the_client_settles_on_a_new_one(self, agent: IceAgent) -> None:
        assert agent.selected == HOME
        hear(agent, new_check(), MOVED, 1.1)
        assert agent.selected == HOME
        hear(agent, answer(own_check(agent), NEW_CLIENT), MOVED, 1.2)
        assert agent.selected == MOVED
        assert not agent.restarting

    def test_a_path_that_answers_but_is_not_nominated_waits(self, agent: IceAgent) -> None:
        hear(agent, new_check(use_candidate=False), MOVED, 1.1)
        hear(agent, answer(own_check(agent), NEW_CLIENT), MOVED, 1.2)
        assert agent.selected == HOME
        hear(agent, new_check(use_candidate=True), MOVED, 1.3)
        assert agent.selected == MOVED

    def test_the_clients_media_on_a_path_that_answered_settles_it_too(
        self, agent: IceAgent
    ) -> None:
        hear(agent, new_check(use_candidate=False), MOVED, 1.1)
        speak(agent, MOVED, 1.15)
        assert agent.selected == HOME, "the path has not answered"
        hear(agent, answer(own_check(agent), NEW_CLIENT), MOVED, 1.2)
        assert agent.selected == MOVED

    def test_its_media_on_the_old_path_settles_nothing(self, agent: IceAgent) -> None:
        hear(agent, new_check(use_candidate=False), MOVED, 1.1)
        hear(agent, answer(own_check(agent), NEW_CLIENT), MOVED, 1.2)
        speak(agent, HOME, 1.3)
        assert agent.selected == HOME

    def test_both_credentials_are_answered_until_then_and_the_old_ones_no_longer(
        self, agent: IceAgent
    ) -> None:
        assert agent.ufrags == (b"serverufrag", b"serverufrag2")
        hear(agent, check(), HOME, 1.1)
        [(response, to)] = sent(agent)
        assert response.verify(SERVER.password.encode())
        assert to == HOME

        reconnect(agent, MOVED, 1.2)
        agent.take_datagrams()
        assert agent.ufrags == (b"serverufrag2",)
        hear(agent, check(), HOME, 1.4)
        assert agent.take_datagrams() == []
        assert agent.rejections == {IceRejection.UNAUTHENTICATED: 1}
        assert agent.known == {MOVED: True}

    def test_each_check_is_answered_under_its_own_credentials(self, agent: IceAgent) -> None:
        hear(agent, new_check(), MOVED, 1.1)
        (response, _), (triggered, _) = sent(agent)
        assert response.verify(NEW_PASSWORD)
        assert triggered.username == b"clnt2:serverufrag2"
        assert triggered.verify(NEW_CLIENT.password.encode())

    @pytest.mark.parametrize(
        ("username", "password"),
        [(NEW_USERNAME, SERVER.password), (b"serverufrag:clnt", NEW_SERVER.password)],
    )
    def test_credentials_do_not_mix(self, agent: IceAgent, username: bytes, password: str) -> None:
        hear(agent, check(username=username, password=password.encode()), MOVED, 1.1)
        assert agent.take_datagrams() == []
        assert agent.rejections == {IceRejection.UNAUTHENTICATED: 1}

    def test_an_answer_by_the_old_password_to_a_new_check_proves_nothing(
        self, agent: IceAgent
    ) -> None:
        hear(agent, new_check(), MOVED, 1.1)
        hear(agent, answer(own_check(agent), CLIENT), MOVED, 1.2)
        assert agent.selected == HOME
        assert agent.rejections == {IceRejection.UNAUTHENTICATED: 1}

    def test_the_old_consent_is_renewed_for_as_long_as_the_client_answers(
        self, agent: IceAgent
    ) -> None:
        answer_checks(agent, 1.0, 100.0)
        assert agent.selected == HOME
        assert agent.restarting
        assert not agent.consent_lost(100.0)

    def test_the_client_may_rebind_meanwhile(self, agent: IceAgent) -> None:
        speak(agent, ROAMED, 1.1)
        hear(agent, answer(own_check(agent)), ROAMED, 1.2)
        assert agent.selected == ROAMED
        assert agent.restarting


class TestNothingIsCarriedOver:
    def test_the_same_address_must_answer_anew(self, agent: IceAgent) -> None:
        hear(agent, new_check(), HOME, 1.1)
        assert agent.restarting
        check_of_ours = own_check(agent)
        assert check_of_ours.username == b"clnt2:serverufrag2"
        hear(agent, answer(check_of_ours, NEW_CLIENT), HOME, 1.2)
        assert not agent.restarting
        assert agent.selected == HOME
        assert agent.known == {HOME: True}

    def test_consent_counts_from_the_new_answer(self, agent: IceAgent) -> None:
        answer_checks(agent, 1.0, 20.0)
        reconnect(agent, HOME, 20.0)
        assert not agent.consent_lost(20.05 + CONSENT_EXPIRY_S)
        assert agent.consent_lost(20.06 + CONSENT_EXPIRY_S)

    def test_an_address_of_before_gets_no_more_than_a_strangers(self, agent: IceAgent) -> None:
        assert agent.spend(10_000, HOME)
        reconnect(agent, MOVED, 1.1)
        assert not agent.spend(1, HOME)
        assert agent.spend(10_000, MOVED)

    def test_a_new_address_gets_three_times_what_it_sent_until_it_answers(
        self, agent: IceAgent
    ) -> None:
        request = new_check()
        hear(agent, request, MOVED, 1.1)
        left = 0
        for step in range(110, 6000):
            agent.tick(step / 100)
            left += sum(len(datagram) for datagram, to in agent.take_datagrams() if to == MOVED)
        assert 0 < left <= 3 * len(request)

    def test_late_answers_to_old_checks_change_nothing(self, agent: IceAgent) -> None:
        [late] = [message for _, message in ticks(agent, 1.0, 6.5)]
        reconnect(agent, MOVED, 7.0)
        agent.take_datagrams()
        before = agent.known, agent.revision
        hear(agent, answer(late), HOME, 7.2)
        assert (agent.known, agent.revision) == before
        assert agent.selected == MOVED
        assert agent.rejections == {IceRejection.UNEXPECTED_RESPONSE: 1}

    def test_an_answer_to_an_old_check_does_no_more_than_renew_the_old_path(
        self, agent: IceAgent
    ) -> None:
        [old] = [message for _, message in ticks(agent, 1.0, 6.5)]
        hear(agent, new_check(), HOME, 6.6)
        agent.take_datagrams()
        hear(agent, answer(old), HOME, 6.7)
        assert agent.restarting
        assert agent.rejections == {}


class TestAfterTheOldPathDied:
    """The client changed networks: it answers at HOME no more."""

    def test_the_new_path_takes_over_as_soon_as_it_answers(self, agent: IceAgent) -> None:
        ticks(agent, 1.0, 10.0)
        reconnect(agent, MOVED, 10.0)
        assert agent.selected == MOVED
        assert not agent.consent_lost(10.05 + CONSENT_EXPIRY_S)

    def test_once_consent_is_lost_nothing_is_sent_there(self, agent: IceAgent) -> None:
        ticks(agent, 1.0, CONSENT_EXPIRY_S + 0.1)
        assert agent.selected is None
        assert not agent.spend(1, HOME)
        assert agent.ufrags == (b"serverufrag2",)

    def test_the_restart_has_its_time_from_the_offer(self) -> None:
        agent = make_agent()
        connect(agent)
        ticks(agent, 0.0, 29.0)
        restart(agent, 29.0)
        ticks(agent, 29.0, 40.0)
        assert agent.selected is None
        assert not agent.consent_lost(40.0)
        reconnect(agent, MOVED, 29.0 + RESTART_TIMEOUT_S - 1)
        assert agent.selected == MOVED
        assert not agent.consent_lost(29.0 + RESTART_TIMEOUT_S + 1)

    def test_after_that_the_call_is_lost(self, agent: IceAgent) -> None:
        ticks(agent, 1.0, CONSENT_EXPIRY_S + 0.1)
        assert not agent.consent_lost(1.0 + RESTART_TIMEOUT_S)
        assert agent.consent_lost(1.01 + RESTART_TIMEOUT_S)

    def test_also_when_checks_came_that_were_never_followed_by_an_answer(
        self, agent: IceAgent
    ) -> None:
        hear(agent, new_check(), MOVED, 20.0)
        ticks(agent, 20.0, CONSENT_EXPIRY_S + 0.1)
        assert agent.selected == MOVED
        assert agent.consent_lost(1.01 + RESTART_TIMEOUT_S)


class TestRoles:
    def test_ours_lasts_over_a_restart(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0, use_candidate=False), HOME, 0.0)
        answer_checks(agent, 0.0, 1.0)
        restart(agent, 1.0)
        hear(agent, new_check(controlling=False, tie_breaker=0), MOVED, 1.1)
        assert own_check(agent).ice_controlling is not None
        assert agent.rejections == {}

    def test_controlling_we_nominate_the_new_path(self) -> None:
        agent = make_agent()
        hear(agent, check(controlling=False, tie_breaker=0, use_candidate=False), HOME, 0.0)
        for nomination in False, True:
            request = own_check(agent)
            assert request.use_candidate is nomination
            hear(agent, answer(request), HOME, 0.1)
        restart(agent, 1.0)
        hear(agent, new_check(controlling=False, tie_breaker=0, use_candidate=False), MOVED, 1.1)
        hear(agent, answer(own_check(agent), NEW_CLIENT), MOVED, 1.2)
        assert agent.selected == HOME
        nomination_of_new = own_check(agent)
        assert nomination_of_new.use_candidate
        hear(agent, answer(nomination_of_new, NEW_CLIENT), MOVED, 1.3)
        assert agent.selected == MOVED

    def test_a_conflict_is_settled_in_the_new_session(self, agent: IceAgent) -> None:
        hear(agent, new_check(controlling=False, tie_breaker=HIGHEST), MOVED, 1.1)
        ((response, _),) = sent(agent)
        assert response.error_code == ROLE_CONFLICT
        assert response.verify(NEW_PASSWORD)
        assert not agent.controlling

        hear(agent, new_check(), MOVED, 1.2)
        refused = own_check(agent)
        refusal = stun.binding_error(
            refused.transaction_id,
            code=ROLE_CONFLICT,
            reason="Role Conflict",
            password=NEW_CLIENT.password.encode(),
        )
        hear(agent, refusal, MOVED, 1.3)
        repeated = own_check(agent)
        assert agent.controlling
        assert repeated.username == b"clnt2:serverufrag2"
        assert repeated.ice_controlling not in (None, refused.ice_controlled), "a new tie-breaker"


class TestLaterOffers:
    def test_the_same_offer_again_asks_for_nothing(self, agent: IceAgent) -> None:
        def unwanted() -> IceCredentials:
            raise AssertionError

        agent.negotiate(NEW_CLIENT, unwanted, 2.0)
        assert agent.local == NEW_SERVER
        reconnect(agent, MOVED, 2.1)
        agent.negotiate(NEW_CLIENT, unwanted, 3.0)
        assert agent.local == NEW_SERVER
        assert not agent.restarting

    def test_an_offer_of_the_old_credentials_takes_the_restart_back(self, agent: IceAgent) -> None:
        revision = agent.revision
        agent.negotiate(CLIENT, lambda: NEW_SERVER, 2.0)
        assert agent.local == SERVER
        assert agent.ufrags == (b"serverufrag",)
        assert agent.revision != revision
        hear(agent, new_check(), MOVED, 2.1)
        assert agent.take_datagrams() == []

    def test_a_restart_of_the_restart_replaces_it(self, agent: IceAgent) -> None:
        third = IceCredentials("serverufrag3", "a-third-server-password")
        hear(agent, new_check(), MOVED, 1.1)
        agent.negotiate(IceCredentials("clnt3", "a-third-client-password"), lambda: third, 2.0)
        assert agent.local == third
        assert agent.ufrags == (b"serverufrag", b"serverufrag3")
        assert not agent.knows(MOVED)

    def test_a_restart_before_the_first_check_is_followed(self) -> None:
        agent = make_agent()
        restart(agent, 0.0)
        reconnect(agent, MOVED, 0.1)
        assert agent.selected == MOVED
        assert validated(agent) == [MOVED]
