"""What a worker's life is given by its parent."""

from collections.abc import Iterator

import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sip.access import SipAccess
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.worker_lives import Drain, WorkerLives

KEYS, OTHERS = (ClusterKeys.parse(ClusterKeys.generate(bytes([secret]) * 32)) for secret in (1, 2))


@pytest.fixture
def lives() -> Iterator[WorkerLives]:
    lives = WorkerLives(KEYS, ApiKeys(["sk-one"]), 254)
    yield lives
    lives.close()


def test_each_life_has_another_incarnation_than_the_one_before(lives: WorkerLives) -> None:
    incarnations = [lives.arguments(0)[0].incarnation for _ in range(300)]
    assert incarnations == [(255 + i) % 256 for i in range(300)]
    assert lives.arguments(1)[0].incarnation == 255


def test_those_that_live_are_sent_new_keys_and_later_lives_start_with_them(
    lives: WorkerLives,
) -> None:
    (first,), (second,) = lives.arguments(0), lives.arguments(1)
    assert (first.keys, second.keys) == (KEYS, KEYS)
    lives.use_keys(OTHERS)
    assert first.orders.poll()
    assert (first.orders.recv(), second.orders.recv()) == (OTHERS, OTHERS)
    (again,) = lives.arguments(0)
    assert again.keys == OTHERS
    assert not again.orders.poll()


def test_so_are_the_api_keys(lives: WorkerLives) -> None:
    (first,) = lives.arguments(0)
    assert first.api_keys == ApiKeys(["sk-one"])
    lives.accept_keys(ApiKeys(["sk-two"]))
    assert first.orders.recv() == ApiKeys(["sk-two"])
    (again,) = lives.arguments(0)
    assert again.api_keys == ApiKeys(["sk-two"])


def test_so_is_who_may_call_by_sip(lives: WorkerLives) -> None:
    (first,) = lives.arguments(0)
    assert first.sip_access == SipAccess()
    changed = SipAccess(credentials=PhoneCredentials(["alice:antiphon:" + "0" * 32]))
    lives.give_access(changed)
    assert first.orders.recv() == changed
    (again,) = lives.arguments(0)
    assert again.sip_access == changed


def test_a_worker_that_ended_is_sent_nothing(lives: WorkerLives) -> None:
    lives.arguments(0)
    lives.started(0)
    (living,) = lives.arguments(1)
    lives.use_keys(OTHERS)
    assert living.orders.recv() == OTHERS


def test_those_that_live_are_told_to_drain(lives: WorkerLives) -> None:
    lives.arguments(0)
    lives.started(0)
    (living,) = lives.arguments(1)
    lives.drain(2.5)
    assert living.orders.recv() == Drain(2.5)
