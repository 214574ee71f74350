"""Where sessions are placed, under every course of events."""

import random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chassis.host_port import HostPort
from transceiver.replica_directory import (
    MAX_BACK_OFF_S,
    ReplicaDirectory,
    ReplicaReport,
    ReplicaState,
)

A, B, C = (HostPort("10.0.0.1", port) for port in (1, 2, 3))
ADDRESSES = st.sampled_from([A, B, C])


def directory(*addresses: HostPort, seed: int = 1) -> ReplicaDirectory:
    known = ReplicaDirectory(random.Random(seed).random)
    for address in addresses:
        known.add(address)
        known.connected(address)
    return known


def test_only_a_connected_replica_gets_sessions() -> None:
    known = ReplicaDirectory(lambda: 0.0)
    assert known.place(0.0) is None
    known.add(A)
    assert (known.place(0.0), known.usable) == (None, False)
    known.connected(A)
    assert (known.place(0.0), known.usable) == (A, True)
    known.disconnected(A, 0.0)
    assert (known.place(0.0), known.usable) == (None, False)


def test_the_less_loaded_of_two_by_the_share_of_what_it_can_hold() -> None:
    known = directory(A, B)
    known.reported(A, ReplicaReport(capacity=100, sessions=40, draining=False))
    known.reported(B, ReplicaReport(capacity=10, sessions=5, draining=False))
    placed = [known.place(0.0) for _ in range(200)]
    assert placed.count(A) > placed.count(B) > 0
    assert placed.index(B) > 5  # not before A is as full


def test_what_was_placed_since_the_last_report_counts() -> None:
    known = directory(A, B)
    for address in (A, B):
        known.reported(address, ReplicaReport(capacity=50, sessions=0, draining=False))
    placed = [known.place(0.0) for _ in range(100)]
    assert abs(placed.count(A) - placed.count(B)) < 25


def test_many_transceivers_with_the_same_news_do_not_fall_upon_one_replica() -> None:
    addresses = [HostPort("10.0.0.1", port) for port in range(1, 11)]
    placed = []
    for seed in range(300):
        known = directory(*addresses, seed=seed)
        for load, address in enumerate(addresses):
            known.reported(address, ReplicaReport(100, load, draining=False))
        placed.append(known.place(0.0))
    assert max(placed.count(address) for address in addresses) < 300 * 0.35


def test_a_full_replica_only_where_there_is_no_other() -> None:
    known = directory(A, B)
    known.reported(A, ReplicaReport(capacity=4, sessions=4, draining=False))
    assert {known.place(0.0) for _ in range(20)} == {B}
    assert known.place(0.0, but={B}) == A


def test_nonsense_that_a_replica_reports_is_taken_for_full() -> None:
    known = directory(A, B)
    known.reported(A, ReplicaReport(capacity=0, sessions=0, draining=False))
    known.reported(B, ReplicaReport(capacity=-5, sessions=1 << 31, draining=False))
    assert known.place(0.0) in (A, B)
    known.reported(A, ReplicaReport(capacity=1, sessions=0, draining=False))
    assert known.place(0.0) == A


def test_a_failing_replica_is_left_alone_for_longer_each_time() -> None:
    known = directory(A, B)
    waits = []
    now = 0.0
    for _ in range(8):
        known.failed(A, now)
        began = now
        while all(known.place(now) == B for _ in range(20)):
            now += 0.1
        waits.append(now - began)
    assert waits[0] < 1 < waits[4] < waits[-1] <= 1.5 * MAX_BACK_OFF_S + 0.2
    known.succeeded(A)
    known.failed(A, now)
    assert any(known.place(now + 1) == A for _ in range(50))


def test_the_only_replica_is_tried_though_it_failed() -> None:
    known = directory(A)
    known.failed(A, 0.0)
    assert known.place(0.0) == A


def test_a_retired_replica_keeps_what_it_has_and_gets_nothing() -> None:
    known = directory(A, B)
    known.retire(A)
    assert {known.place(0.0) for _ in range(20)} == {B}
    assert known.states(0.0)[ReplicaState.DRAINING] == 1
    known.add(A)
    assert {known.place(0.0) for _ in range(40)} == {A, B}


@given(st.integers(1, 400), st.integers(2, 12))
def test_sessions_spread_evenly_over_equal_replicas(sessions: int, replicas: int) -> None:
    addresses = [HostPort("10.0.0.1", port) for port in range(replicas)]
    known = directory(*addresses, seed=sessions)
    placed = [known.place(0.0) for _ in range(sessions)]
    counts = [placed.count(address) for address in addresses]
    assert max(counts) - min(counts) <= 12


class Course(RuleBasedStateMachine):
    """Events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.directory = ReplicaDirectory(random.Random(7).random)
        self.up: set[HostPort] = set()
        self.known: set[HostPort] = set()
        self.gone: set[HostPort] = set()
        self.draining: set[HostPort] = set()

    @rule(address=ADDRESSES)
    def add(self, address: HostPort) -> None:
        self.directory.add(address)
        self.known.add(address)
        self.gone.discard(address)

    @rule(address=ADDRESSES)
    def retire(self, address: HostPort) -> None:
        self.directory.retire(address)
        self.gone |= {address} & self.known

    @rule(address=ADDRESSES)
    def forget(self, address: HostPort) -> None:
        self.directory.forget(address)
        for each in (self.known, self.up, self.gone, self.draining):
            each.discard(address)

    @rule(address=ADDRESSES)
    def connect(self, address: HostPort) -> None:
        self.directory.connected(address)
        self.up |= {address} & self.known
        self.draining.discard(address)

    @rule(address=ADDRESSES)
    def disconnect(self, address: HostPort) -> None:
        self.directory.disconnected(address, self.now)
        self.up.discard(address)

    @rule(
        address=ADDRESSES,
        capacity=st.integers(-5, 5),
        sessions=st.integers(-5, 9),
        draining=st.booleans(),
    )
    def report(self, address: HostPort, capacity: int, sessions: int, draining: bool) -> None:
        self.directory.reported(address, ReplicaReport(capacity, sessions, draining))
        self.draining.discard(address)
        if draining:
            self.draining |= {address} & self.known

    @rule(address=ADDRESSES)
    def fail(self, address: HostPort) -> None:
        self.directory.failed(address, self.now)

    @rule(address=ADDRESSES)
    def succeed(self, address: HostPort) -> None:
        self.directory.succeeded(address)

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(but=st.sets(ADDRESSES))
    def place(self, but: set[HostPort]) -> None:
        usable = self.up - self.gone - self.draining
        placed = self.directory.place(self.now, but)
        assert (placed is None) == (not usable - but)
        assert placed is None or placed in usable - but

    @invariant()
    def every_replica_is_in_one_state(self) -> None:
        assert sum(self.directory.states(self.now).values()) == len(self.known)
        assert self.directory.usable == bool(self.up - self.gone - self.draining)


TestCourse = Course.TestCase
