"""Relay workers by what was heard from them, by a virtual clock."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import MAX_SIBLINGS, Hello
from transceiver.announcer import REPEATS_S
from transceiver.relay_directory import (
    ESTRANGED_S,
    FORGET_S,
    MAX_RELAYS,
    MISSED_PROBES,
    PATIENCE_S,
    PROBE_INTERVAL_S,
    PROBES_PER_S,
    SLOW_PROBE_INTERVAL_S,
    TELL_AGAIN_S,
    Probe,
    RelayDirectory,
)

OWN: Address = ("10.0.0.5", 4000)
RELAY: Address = ("10.0.0.9", 5000)
SIBLING: Address = ("10.0.0.9", 5001)
THIRD: Address = ("10.0.0.9", 5002)
TICK_S = 0.01


class Relays:
    """A directory, its clock, and the relay workers that answer it."""

    def __init__(self, own: Address = OWN) -> None:
        self.now = 1000.0
        self.round_trips: list[float] = []
        nonces = itertools.count(1)
        self.directory = RelayDirectory(own, lambda: next(nonces), self.round_trips.append)
        self.epochs: dict[Address, int] = {}
        """Who answers, and with which epoch."""
        self.groups: dict[Address, tuple[Address, ...]] = {}
        self.probes: list[tuple[float, Probe]] = []
        self.told: list[Address] = []
        """Those that were to be told everything."""

    def heard(self, relay: Address, epoch: int) -> None:
        self.directory.heard(relay, epoch, self.now)

    def answer(self, relay: Address, nonce: int) -> None:
        epoch = self.epochs[relay]
        self.heard(relay, epoch)
        hello = Hello(nonce, self.groups.get(relay, ()))
        if self.directory.hello(relay, epoch, hello, self.now):
            self.told.append(relay)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.tick()

    def tick(self) -> None:
        probes = self.directory.tick(self.now)
        self.probes += [(self.now, probe) for probe in probes]
        self.now += TICK_S
        for probe in probes:
            if probe.relay in self.epochs:
                self.answer(probe.relay, probe.nonce)

    def meet(self, relay: Address, epoch: int = 1, group: tuple[Address, ...] = ()) -> None:
        self.epochs[relay], self.groups[relay] = epoch, group
        self.heard(relay, epoch)
        self.tick()

    def settle(self) -> None:
        """Let the time pass in which those just met are told everything more than once."""
        self.run(max(TELL_AGAIN_S) + 2 * PROBE_INTERVAL_S)
        self.told.clear()

    def probed(self, relay: Address) -> list[float]:
        return [when for when, probe in self.probes if probe.relay == relay]


@pytest.fixture
def relays() -> Relays:
    return Relays()


def test_nobody_is_probed_that_is_not_known(relays: Relays) -> None:
    relays.run(1.0)
    assert relays.probes == []


def test_first_contact_is_probed_at_once_and_introduced_to(relays: Relays) -> None:
    relays.heard(RELAY, 1)
    assert relays.directory.tick(relays.now) == [Probe(RELAY, 1, introduce=True)]
    assert relays.directory.listening() == [RELAY]
    assert not relays.directory.answering(RELAY)


def test_the_first_answer_asks_for_everything_and_some_later_ones_in_case_it_was_lost(
    relays: Relays,
) -> None:
    relays.meet(RELAY)
    assert relays.told == [RELAY]
    assert relays.directory.answering(RELAY)
    met_at = relays.now
    for times, pause in enumerate(TELL_AGAIN_S, 1):
        relays.run(met_at + pause - TICK_S - relays.now)
        assert len(relays.told) == times
        relays.run(2 * PROBE_INTERVAL_S)
        assert len(relays.told) == times + 1
    relays.run(FORGET_S)
    assert len(relays.told) == 1 + len(TELL_AGAIN_S)
    assert not any(probe.introduce for _when, probe in relays.probes[1:])


def test_probes_go_out_twenty_times_a_second(relays: Relays) -> None:
    relays.meet(RELAY)
    relays.run(10.0)
    assert len(relays.probed(RELAY)) == pytest.approx(10.0 / PROBE_INTERVAL_S, abs=3)


def test_round_trips_are_measured(relays: Relays) -> None:
    relays.meet(RELAY)
    relays.run(1.0)
    assert relays.round_trips == pytest.approx([TICK_S] * len(relays.round_trips))
    assert len(relays.round_trips) >= 20


def test_an_answer_after_a_later_one_is_not_measured(relays: Relays) -> None:
    relays.heard(RELAY, 1)
    relays.epochs[RELAY] = 1
    nonces = []
    for _ in range(3):
        nonces += [probe.nonce for probe in relays.directory.tick(relays.now)]
        relays.now += PROBE_INTERVAL_S
    relays.answer(RELAY, nonces[1])
    relays.answer(RELAY, nonces[0])
    relays.answer(RELAY, nonces[1])
    assert len(relays.round_trips) == 1


def test_another_epoch_is_probed_at_once_and_asks_for_everything_by_its_answer(
    relays: Relays,
) -> None:
    relays.meet(RELAY, epoch=1)
    relays.settle()
    relays.epochs[RELAY] = 2
    probes = len(relays.probes)
    relays.heard(RELAY, 2)
    assert relays.told == []
    relays.tick()
    assert len(relays.probes) == probes + 1
    assert relays.told == [RELAY]


def test_a_restart_is_found_by_a_probe_when_nothing_else_is_heard(relays: Relays) -> None:
    relays.meet(RELAY, epoch=1)
    relays.epochs[RELAY] = 2
    relays.run(0.1)
    assert relays.told == [RELAY, RELAY]


def test_datagrams_of_an_earlier_life_change_nothing_and_are_not_probed_for_endlessly(
    relays: Relays,
) -> None:
    relays.meet(RELAY, epoch=2)
    relays.settle()
    relays.probes.clear()
    for _ in range(100):
        for _ in range(100):
            relays.heard(RELAY, 1)
        relays.tick()
    assert relays.told == []
    assert len(relays.probes) <= 102
    assert relays.directory.answering(RELAY)


@pytest.mark.parametrize("nonce", [0, 1, 12345])
def test_a_hello_that_answers_no_open_probe_changes_nothing(relays: Relays, nonce: int) -> None:
    relays.meet(RELAY)
    before = len(relays.directory)
    assert not relays.directory.hello(RELAY, 99, Hello(nonce, (SIBLING, THIRD)), relays.now)
    assert len(relays.directory) == before
    assert relays.directory.answering(RELAY)


def test_a_hello_of_a_stranger_changes_nothing(relays: Relays) -> None:
    assert not relays.directory.hello(RELAY, 1, Hello(7, (SIBLING,)), relays.now)
    assert len(relays.directory) == 0


def test_siblings_are_probed_and_told_everything_though_nothing_was_heard_from_them(
    relays: Relays,
) -> None:
    relays.epochs[SIBLING] = 8
    relays.meet(RELAY, group=(RELAY, SIBLING))
    relays.run(0.1)
    assert relays.told == [RELAY, SIBLING]
    assert set(relays.directory.listening()) == {RELAY, SIBLING}
    assert relays.directory.answering_count == 2


def test_a_sibling_that_never_spoke_is_not_told_of_changes(relays: Relays) -> None:
    relays.meet(RELAY, group=(SIBLING,))
    relays.run(0.1)
    assert relays.probed(SIBLING)
    assert relays.directory.listening() == [RELAY]


def test_a_relay_that_missed_probes_is_gone_around_until_it_is_heard_again(
    relays: Relays,
) -> None:
    relays.epochs[SIBLING] = 8
    relays.meet(RELAY, group=(RELAY, THIRD, SIBLING))
    relays.run(1.0)
    assert relays.directory.route(RELAY) == RELAY
    del relays.epochs[RELAY]
    relays.run((MISSED_PROBES - 1) * PROBE_INTERVAL_S)
    assert relays.directory.route(RELAY) == RELAY
    relays.run(3 * PROBE_INTERVAL_S)
    assert not relays.directory.answering(RELAY)
    assert relays.directory.route(RELAY) == SIBLING
    relays.heard(RELAY, 1)
    assert relays.directory.route(RELAY) == RELAY


def test_without_a_sibling_that_answers_there_is_no_way_around(relays: Relays) -> None:
    relays.meet(RELAY, group=(RELAY, SIBLING))
    del relays.epochs[RELAY]
    relays.run(1.0)
    assert relays.directory.route(RELAY) == RELAY


def test_a_relay_that_never_answered_is_used_as_it_is(relays: Relays) -> None:
    relays.heard(RELAY, 1)
    relays.run(2.0)
    assert relays.directory.route(RELAY) == RELAY
    assert relays.directory.route(THIRD) == THIRD


def test_a_silent_relay_is_probed_slower_then_forgotten(relays: Relays) -> None:
    relays.meet(RELAY)
    del relays.epochs[RELAY]
    silent_since = relays.now
    relays.run(FORGET_S + 2.0)
    quick = [when for when in relays.probed(RELAY) if 0 < when - silent_since < PATIENCE_S]
    slow = [when for when in relays.probed(RELAY) if when - silent_since > PATIENCE_S + 1]
    assert len(quick) == pytest.approx(PATIENCE_S / PROBE_INTERVAL_S, abs=3)
    assert len(slow) == pytest.approx((FORGET_S - PATIENCE_S - 1) / SLOW_PROBE_INTERVAL_S, abs=3)
    assert len(relays.directory) == 0
    probes = len(relays.probes)
    relays.run(5.0)
    assert len(relays.probes) == probes


def test_a_relay_that_was_silent_for_long_is_told_everything_though_it_did_not_restart(
    relays: Relays,
) -> None:
    relays.meet(RELAY)
    relays.settle()
    del relays.epochs[RELAY]
    relays.run(PATIENCE_S + 2.0)
    assert relays.directory.listening() == []
    relays.epochs[RELAY] = 1
    relays.run(SLOW_PROBE_INTERVAL_S + 2 * TICK_S)
    assert relays.told == [RELAY]
    assert relays.directory.listening() == [RELAY]


def test_a_short_silence_is_forgiven(relays: Relays) -> None:
    relays.meet(RELAY)
    relays.settle()
    del relays.epochs[RELAY]
    relays.run(ESTRANGED_S - 0.5)
    relays.epochs[RELAY] = 1
    relays.run(1.0)
    assert relays.told == []


def test_after_one_that_outlasts_the_repetition_of_changes_everything_is_told(
    relays: Relays,
) -> None:
    relays.meet(RELAY)
    relays.settle()
    del relays.epochs[RELAY]
    relays.run(max(REPEATS_S) + 3 * PROBE_INTERVAL_S)
    relays.epochs[RELAY] = 1
    relays.run(2 * PROBE_INTERVAL_S)
    assert relays.told == [RELAY]


def test_bogus_siblings_are_bounded_in_number_and_rate_and_displace_nobody(
    relays: Relays,
) -> None:
    real = [("10.0.1.1", port) for port in range(1, 6)]
    for address in real:
        relays.meet(address)
    relays.meet(RELAY)
    for port in range(0, 60_000, 1000):
        bogus = tuple(("10.66.0.1", 1 + port + i) for i in range(MAX_SIBLINGS))
        relays.groups[RELAY] = bogus
        relays.run(0.1)
    probes = [when for when, _probe in relays.probes if when > relays.now - 1.0]
    assert len(probes) <= PROBES_PER_S * 1.1
    assert len(relays.directory) <= MAX_RELAYS
    assert all(relays.directory.answering(address) for address in (*real, RELAY))
    relays.meet(SIBLING)
    assert relays.directory.answering(SIBLING)
    relays.groups[RELAY] = ()
    relays.run(FORGET_S + 1.0)
    assert len(relays.directory) == len(real) + 2


@pytest.mark.parametrize(
    "sibling",
    [
        OWN,
        ("0.0.0.0", 5000),
        ("224.0.0.1", 5000),
        ("255.255.255.255", 5000),
        ("10.0.0.9", 0),
        ("2001:db8::1", 5000),
        ("::", 5000),
    ],
)
def test_addresses_that_can_be_no_sibling_are_not_probed(relays: Relays, sibling: Address) -> None:
    relays.meet(RELAY, group=(sibling, SIBLING))
    relays.run(0.5)
    assert {probe.relay for _when, probe in relays.probes} == {RELAY, SIBLING}


def test_whoever_answers_is_not_displaced_by_those_that_only_send(relays: Relays) -> None:
    """A tag does not cover its sender's address: one that was seen makes many senders."""
    relays.meet(RELAY)
    for port in range(1, 2 * MAX_RELAYS):
        relays.heard(("10.66.0.1", port), 1)
    assert len(relays.directory) == MAX_RELAYS
    assert relays.directory.answering(RELAY)


def test_ipv6_relays_have_ipv6_siblings() -> None:
    relays = Relays(own=("2001:db8::5", 4000))
    relays.meet(("2001:db8::9", 1), group=(("2001:db8::9", 2), SIBLING))
    relays.run(0.5)
    assert {probe.relay[0] for _when, probe in relays.probes} == {"2001:db8::9"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heard", "answer", "stale", "stranger", "wait"]),
            st.integers(min_value=0, max_value=400),
            st.integers(min_value=1, max_value=3),
        ),
        max_size=60,
    )
)
def test_only_answers_to_open_probes_ask_for_everything(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever arrives, the directory stays bounded and tells only who proved its epoch."""
    relays = Relays()
    proven = dict[Address, int]()
    for step, number, epoch in steps:
        address = ("10.0.2.1", 1 + number)
        if step == "heard":
            relays.heard(address, epoch)
        elif step in ("stale", "stranger"):
            nonce = 0 if step == "stale" else 1 << 40
            hello = Hello(nonce, (("10.0.3.1", 1 + number),))
            assert not relays.directory.hello(address, epoch, hello, relays.now)
        elif step == "wait":
            relays.now += number / 10
            relays.directory.tick(relays.now)
        else:
            relays.heard(address, epoch)
            for probe in relays.directory.tick(relays.now + 0.011):
                if probe.relay == address:
                    new = relays.directory.hello(address, epoch, Hello(probe.nonce, ()), relays.now)
                    assert new == (probe.introduce or proven.get(address) != epoch)
                    proven[address] = epoch
                    assert relays.directory.answering(address)
        assert len(relays.directory) <= MAX_RELAYS


class TestChoosing:
    CLIENTS = tuple(("203.0.113.1", port) for port in range(1000, 1100))

    def test_clients_are_spread_over_the_relay_workers_that_answer(self) -> None:
        relays = Relays()
        relays.epochs = {RELAY: 1, SIBLING: 2}
        relays.directory.introduce([RELAY, SIBLING, THIRD, OWN, ("::1", 5)], relays.now)
        assert relays.directory.relay_for(self.CLIENTS[0]) is None
        relays.run(1.0)
        assert set(relays.directory.answering_relays()) == {RELAY, SIBLING}
        chosen = [relays.directory.relay_for(client) for client in self.CLIENTS]
        assert 20 < chosen.count(RELAY) < 80
        assert chosen.count(RELAY) + chosen.count(SIBLING) == len(chosen)
        assert [relays.directory.relay_for(client) for client in self.CLIENTS] == chosen

    def test_only_those_of_one_that_is_gone_go_elsewhere(self) -> None:
        relays = Relays()
        relays.epochs = {RELAY: 1, SIBLING: 2, THIRD: 3}
        relays.directory.introduce(relays.epochs, relays.now)
        relays.run(1.0)
        before = [relays.directory.relay_for(client) for client in self.CLIENTS]
        del relays.epochs[THIRD]
        relays.run(1.0)
        for client, chosen in zip(self.CLIENTS, before, strict=True):
            assert (relays.directory.relay_for(client) == chosen) is (chosen != THIRD)


class TestRemote:
    """Relay workers of other clusters."""

    FAR: Address = ("10.9.1.1", 4001)
    FAR_SIBLING: Address = ("10.9.1.1", 4002)

    def far(self, relays: Relays) -> None:
        relays.epochs[self.FAR] = relays.epochs[self.FAR_SIBLING] = 1
        relays.groups[self.FAR] = (self.FAR_SIBLING,)
        relays.directory.heard(self.FAR, 1, relays.now, remote=True)
        for _ in range(10):
            for probe in relays.directory.tick(relays.now):
                relays.probes.append((relays.now, probe))
                siblings = relays.groups.get(probe.relay, ())
                remote = probe.relay in (self.FAR, self.FAR_SIBLING)
                relays.directory.heard(probe.relay, 1, relays.now, remote=remote)
                relays.directory.hello(probe.relay, 1, Hello(probe.nonce, siblings), relays.now)
            relays.now += TICK_S

    def test_they_are_apart_and_so_are_their_siblings(self, relays: Relays) -> None:
        relays.meet(RELAY)
        self.far(relays)
        directory = relays.directory
        assert directory.listening() == directory.answering_relays() == [RELAY]
        assert set(directory.listening(remote=True)) == {self.FAR, self.FAR_SIBLING}
        assert directory.is_remote(self.FAR_SIBLING)
        assert not directory.is_remote(RELAY)
        assert directory.siblings(self.FAR) == (self.FAR_SIBLING,)
        assert len(relays.round_trips) == len(relays.probed(RELAY))
        assert {directory.relay_for((f"192.0.2.{i}", 1)) for i in range(20)} == {RELAY}

    def test_they_are_probed_less_often(self, relays: Relays) -> None:
        self.far(relays)
        relays.probes.clear()
        for _ in range(round(2 / TICK_S)):
            relays.probes += [(relays.now, each) for each in relays.directory.tick(relays.now)]
            relays.now += TICK_S
        assert len(relays.probed(self.FAR)) in range(9, 12)

    def test_those_of_no_use_are_forgotten(self, relays: Relays) -> None:
        relays.meet(RELAY)
        self.far(relays)
        relays.directory.forget_remote({self.FAR})
        assert len(relays.directory) == 2
        relays.directory.forget_remote(set())
        assert relays.directory.listening() == [RELAY]
        assert relays.directory.siblings(self.FAR) == ()
