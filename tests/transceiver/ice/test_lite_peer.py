"""The agent against a lite one, which only answers: https://www.rfc-editor.org/rfc/rfc8445#section-2.5"""

import random

from antiphon_proto import stun
from tests.transceiver.ice.scripted_client import (
    CLIENT,
    HOME,
    ROAMED,
    SERVER,
    answer,
    answer_checks,
    hear,
    sent,
    ticks,
    validated,
)
from transceiver.ice import IceAgent, IceCredentials
from transceiver.ice.checks import MAX_TRANSMISSIONS
from transceiver.ice.path import CONSENT_EXPIRY_S


def lite_agent(*candidates: tuple[str, int]) -> IceAgent:
    return IceAgent(
        SERVER,
        CLIENT,
        random_bytes=random.Random(7).randbytes,
        controlling=True,
        candidates=candidates,
    )


def test_before_its_checks_the_candidates_are_known_and_bound_but_not_confirmed() -> None:
    agent = lite_agent(HOME, ROAMED)
    assert agent.known == agent.bindings == {HOME: False, ROAMED: False}
    assert agent.knows(HOME)
    assert not agent.ready
    agent.tick(0.0)
    assert agent.known == agent.bindings == {HOME: False, ROAMED: False}


def test_each_candidate_is_checked_and_the_first_that_answers_is_nominated() -> None:
    agent = lite_agent(HOME, ROAMED)
    agent.tick(0.0)
    checks = sent(agent)
    assert [client for _, client in checks] == [HOME, ROAMED]
    assert all(message.ice_controlling is not None for message, _ in checks)
    assert not any(message.use_candidate for message, _ in checks)

    hear(agent, answer(checks[1][0]), ROAMED, 0.1)
    assert agent.selected == ROAMED
    [(nominating, to)] = sent(agent)
    assert (nominating.use_candidate, to) == (True, ROAMED)
    hear(agent, answer(nominating), ROAMED, 0.2)

    hear(agent, answer(checks[0][0]), HOME, 0.3)
    assert agent.selected == ROAMED
    assert sent(agent) == [], "one nomination is enough"
    assert agent.bindings == {HOME: True, ROAMED: True}


def test_only_a_few_checks_go_to_candidates_that_never_answer() -> None:
    agent = lite_agent(HOME)
    checks = [message for _, message in ticks(agent, 0.0, 100.0)]
    assert 2 < len(checks) <= MAX_TRANSMISSIONS
    assert agent.known == {}
    agent.tick(1000.0)


def test_an_answer_under_another_password_proves_nothing() -> None:
    agent = lite_agent(HOME)
    agent.tick(0.0)
    [(request, _)] = sent(agent)
    forged = IceCredentials(CLIENT.ufrag, "x" * 22)
    hear(agent, answer(request, forged), HOME, 0.1)
    assert validated(agent) == []
    assert agent.selected is None


def test_its_consent_is_asked_for_and_may_be_lost() -> None:
    agent = lite_agent(HOME)
    answer_checks(agent, 0.0, 60.0)
    assert not agent.consent_lost(60.0)
    assert any(
        message.message_class is stun.StunClass.REQUEST for _, message in ticks(agent, 60, 80)
    )
    assert agent.consent_lost(60.0 + CONSENT_EXPIRY_S)


def test_a_restart_checks_the_candidates_of_the_new_offer() -> None:
    agent = lite_agent(HOME)
    answer_checks(agent, 0.0, 1.0)
    remote = IceCredentials("next", "next-password-of-22-ch")
    local = IceCredentials("serverufrag2", "server-password-of-24-c2")
    agent.negotiate(remote, lambda: local, 1.0, (ROAMED,))
    agent.tick(1.0)
    [(request, to)] = sent(agent)
    assert (request.username, to) == (b"next:serverufrag2", ROAMED)
    hear(agent, answer(request, remote), ROAMED, 1.1)
    [(nominating, _)] = sent(agent)
    hear(agent, answer(nominating, remote), ROAMED, 1.2)
    assert agent.selected == ROAMED
    assert not agent.restarting
