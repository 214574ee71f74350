from itertools import count

import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Probed
from relay.remote_clusters import (
    FORGET_S,
    MAX_OUTSTANDING,
    MAX_RELAYS_A_CLUSTER,
    MISSED_PROBES,
    PROBE_INTERVAL_S,
    PROBES_PER_S,
    RemoteClusters,
)

OWN: Address = ("10.9.1.1", 4001)
SIBLING: Address = ("10.9.1.1", 4002)
HOMES: list[Address] = [(f"10.9.2.{number}", 4001) for number in range(1, 6)]
OWNERS: list[Address] = [(f"10.0.0.{number}%2", 7000) for number in range(200)]


class Remote:
    """The relays of cluster 2, and which of them answer."""

    def __init__(self) -> None:
        nonces = count(1)
        self.core = RemoteClusters(
            1, OWN, lambda: next(nonces), clusters=frozenset((1, 2, 3)), siblings=(SIBLING,)
        )
        self.now = 1000.0
        self.answering = set(HOMES)

    def name(self, *homes: Address) -> None:
        self.core.name({2: homes}, self.now)

    def rounds(self, number: int) -> None:
        for _ in range(number):
            for relay, probe in self.core.due(self.now):
                if relay in self.answering:
                    self.core.probed(Probed(probe.nonce, ()), self.now)
            self.now += PROBE_INTERVAL_S

    def counted(self) -> tuple[int, int, int]:
        """Cluster 2, its relays that are known, and those that answer."""
        return next(iter(self.core.counts()))

    def gateways(self) -> list[Address | None]:
        return [self.core.gateway(owner) for owner in OWNERS]


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.name(*HOMES)
    remote.rounds(2)
    return remote


def test_only_named_clusters_are_known_and_not_the_own_one(remote: Remote) -> None:
    assert [remote.core.knows(cluster) for cluster in range(5)] == [False, False, True, True, False]
    assert list(remote.core.counts()) == [(2, 5, 5), (3, 0, 0)]
    assert remote.core.gateway(("10.0.0.1%3", 1)) is None


def test_owners_are_spread_and_only_those_of_one_that_is_gone_go_elsewhere(remote: Remote) -> None:
    before, version = remote.gateways(), remote.core.version
    assert all(before.count(home) > 15 for home in HOMES)
    remote.answering.discard(HOMES[0])
    remote.rounds(MISSED_PROBES + 1)
    after = remote.gateways()
    assert HOMES[0] not in after
    assert all(b == a for b, a in zip(before, after, strict=True) if b != HOMES[0])
    assert remote.core.version > version
    remote.answering.add(HOMES[0])
    remote.rounds(1)
    assert remote.gateways() == before


def test_while_nobody_answers_one_that_did_is_better_than_one_that_never_did() -> None:
    remote = Remote()
    remote.answering = {HOMES[1]}
    remote.name(*HOMES)
    assert {*remote.gateways()} == set(HOMES)
    remote.rounds(1)
    assert {*remote.gateways()} == {HOMES[1]}
    remote.answering.clear()
    remote.rounds(2 * MISSED_PROBES)
    assert {*remote.gateways()} == {HOMES[1]}


def test_answers_that_cross_on_a_long_way_count(remote: Remote) -> None:
    """200 ms there and back are two probes that have no answer yet."""
    late: list[int] = []
    for _ in range(30):
        late += [probe.nonce for relay, probe in remote.core.due(remote.now) if relay == HOMES[0]]
        if len(late) > 2:
            remote.core.probed(Probed(late.pop(0), ()), remote.now)
        remote.now += PROBE_INTERVAL_S
    assert remote.counted() == (2, 5, 1)


def test_an_answer_to_no_probe_of_ours_changes_nothing(remote: Remote) -> None:
    counts, version = list(remote.core.counts()), remote.core.version
    remote.core.probed(Probed(10**6, (("10.9.2.99", 1),)), remote.now)
    assert (list(remote.core.counts()), remote.core.version) == (counts, version)


def test_nonces_are_forgotten(remote: Remote) -> None:
    remote.answering.clear()
    [first] = [probe.nonce for relay, probe in remote.core.due(remote.now) if relay == HOMES[0]]
    remote.rounds(MAX_OUTSTANDING + 2)
    assert remote.counted() == (2, 5, 0)
    remote.core.probed(Probed(first, ()), remote.now)
    assert remote.counted() == (2, 5, 0)


def test_one_that_is_not_named_any_more_is_used_while_it_answers(remote: Remote) -> None:
    remote.name(*HOMES[1:])
    remote.now += FORGET_S + 1
    remote.rounds(1)
    assert HOMES[0] in remote.gateways()
    remote.answering.discard(HOMES[0])
    remote.rounds(round(FORGET_S / PROBE_INTERVAL_S) + 10)
    assert remote.counted() == (2, 4, 4)


def test_bogus_siblings_are_bounded_in_number_and_rate(remote: Remote) -> None:
    [(_relay, probe), *_] = remote.core.due(remote.now)
    bogus = tuple((f"10.8.{a}.{b}", 1) for a in range(2) for b in range(200))
    odd = (("fd00::1", 1), ("10.8.0.0", 0), OWN)
    remote.core.probed(Probed(probe.nonce, odd), remote.now)
    assert remote.counted() == (2, 5, 5)
    remote.now += PROBE_INTERVAL_S
    [(_relay, probe), *_] = remote.core.due(remote.now)
    remote.core.probed(Probed(probe.nonce, bogus), remote.now)
    assert remote.counted() == (2, MAX_RELAYS_A_CLUSTER, 5)
    end, sent = remote.now + 10, 0
    while remote.now < end:
        sent += len(remote.core.due(remote.now))
        remote.now += 0.01
    assert sent <= 11 * PROBES_PER_S


def test_owners_abroad_are_told_of_siblings_and_of_the_other_relays_here(remote: Remote) -> None:
    others = [("10.9.1.2", 4001), OWN, SIBLING]
    remote.core.name({1: others, 2: HOMES}, remote.now)
    assert remote.core.stand_ins == (SIBLING, ("10.9.1.2", 4001))
    assert remote.counted() == (2, 5, 5)
