"""The rules of `relay.flows.Flows`, which every table keeps."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind
from relay import fast
from relay.flow_table import FlowTable
from relay.flows import (
    MAX_BIND_SSRCS,
    NO_UFRAG,
    PROVISIONAL_SECONDS,
    REBINDING_CREDIT,
    SSRC_PACKETS_PER_SECOND,
    Admission,
    Flow,
    Flows,
    FlowState,
    SsrcVerdict,
    ufrag_mark,
)
from relay.table_snapshot import TableSnapshot
from tests.relay.observed_flows import observed_flows

if fast.available:
    from relay.fast.flow_table import FastFlowTable

    TABLES = [FlowTable, FastFlowTable]
else:
    TABLES = [FlowTable]

OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
IPV6_OWNER = ("fd00::1", 4000)
CLIENT = ("203.0.113.7", 50_000)
UFRAG = b"Bufrag"
OTHER_UFRAG = b"Bother"
EPOCH = 0xFFFF_0000_FFFF_0000
NEXT_EPOCH = 3
CHECK_BYTES = 100
NOW = 1000.0
LIFETIME = 30

NewFlows = Callable[..., Flows]


@pytest.fixture(params=TABLES, ids=lambda table: table.__name__)
def new_flows(request: pytest.FixtureRequest) -> NewFlows:
    def new(*, max_flows: int = 3, **more: int) -> Flows:
        return request.param(max_flows=max_flows, **more)

    return new


@pytest.fixture
def flows(new_flows: NewFlows) -> Flows:
    return new_flows()


def client(number: int) -> Address:
    return "203.0.113.7", number


def check(
    flows: Flows,
    source: Address = CLIENT,
    owner: Address = OWNER,
    ufrag: bytes = UFRAG,
    *,
    now: float = NOW,
    size: int = CHECK_BYTES,
    open_new: bool = True,
) -> Admission:
    return flows.check_verified(source, owner, ufrag, size, now, open_new=open_new)


def bind(
    flows: Flows,
    source: Address = CLIENT,
    owner: Address = OWNER,
    *,
    epoch: int = EPOCH,
    confirmed: bool = True,
    ssrcs: tuple[int, ...] = (),
    lifetime: int = LIFETIME,
    now: float = NOW,
) -> Admission:
    return flows.bind(source, owner, epoch, Bind(lifetime, confirmed, ssrcs), now)


def owner_of(flows: Flows, source: Address, now: float = NOW) -> Address | None:
    flow = flows.find(source, now)
    return flow and flow.owner


def counts(flows: Flows) -> tuple[int, int]:
    return flows.bound, flows.provisional


def provisional(owner: Address = OWNER, ufrag: bytes | None = UFRAG) -> Flow:
    mark = NO_UFRAG if ufrag is None else ufrag_mark(ufrag)
    return Flow(owner, FlowState.PROVISIONAL, mark)


def bound(owner: Address = OWNER, ufrag: bytes | None = UFRAG) -> Flow:
    return dataclasses.replace(provisional(owner, ufrag), state=FlowState.BOUND)


class TestCheck:
    @pytest.mark.parametrize("source", [CLIENT, ("2001:db8::7", 50_000)], ids=["ipv4", "ipv6"])
    @pytest.mark.parametrize("owner", [OWNER, IPV6_OWNER], ids=["ipv4 owner", "ipv6 owner"])
    def test_opens_a_provisional_flow(self, flows, source, owner) -> None:
        assert flows.find(source, NOW) is None

        assert check(flows, source, owner) is Admission.ACCEPTED

        assert flows.find(source, NOW) == provisional(owner)
        assert counts(flows) == (0, 1)

    @pytest.mark.parametrize(
        "other",
        [("203.0.113.7", 50_001), ("203.0.113.8", 50_000), ("::ffff:203.0.113.7", 50_000)],
        ids=["port", "host", "mapped"],
    )
    def test_of_one_address_is_no_other_s(self, flows, other) -> None:
        check(flows)

        assert flows.find(other, NOW) is None
        check(flows, other, OTHER_OWNER)
        assert owner_of(flows, CLIENT) == OWNER

    def test_is_remembered_for_a_time(self, flows) -> None:
        check(flows)

        assert flows.find(CLIENT, NOW + PROVISIONAL_SECONDS - 0.01) is not None
        assert flows.find(CLIENT, NOW + PROVISIONAL_SECONDS) is None
        assert counts(flows) == (0, 0)

    def test_another_one_prolongs_that(self, flows) -> None:
        check(flows)
        check(flows, now=NOW + 50)

        assert flows.find(CLIENT, NOW + 50 + PROVISIONAL_SECONDS - 0.01) is not None

    def test_packets_do_not_prolong_it(self, flows) -> None:
        check(flows)
        flows.find(CLIENT, NOW + 50)
        flows.received(CLIENT, 100)
        flows.may_send(CLIENT, 1, NOW + 50)

        assert flows.find(CLIENT, NOW + PROVISIONAL_SECONDS) is None

    def test_repoints_a_provisional_flow_and_keeps_its_accounts(self, flows) -> None:
        check(flows, size=100)
        assert flows.may_send(CLIENT, 250, NOW)

        assert check(flows, owner=OTHER_OWNER, ufrag=OTHER_UFRAG, size=10) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == provisional(OTHER_OWNER, OTHER_UFRAG)
        assert not flows.may_send(CLIENT, 81, NOW)
        assert flows.may_send(CLIENT, 80, NOW)

    def test_teaches_a_bound_flow_of_its_owner_the_ufrag(self, flows) -> None:
        bind(flows)
        assert flows.find(CLIENT, NOW) == bound(ufrag=None)

        assert check(flows) is Admission.ACCEPTED
        assert flows.find(CLIENT, NOW) == bound()

        assert check(flows, now=NOW + 20) is Admission.ACCEPTED
        assert flows.find(CLIENT, NOW + LIFETIME) is None

    def test_does_not_touch_the_bound_flow_of_another_owner(self, flows) -> None:
        check(flows)
        bind(flows)

        verdict = check(flows, owner=OTHER_OWNER, ufrag=OTHER_UFRAG)

        assert verdict is Admission.CONFLICT
        assert flows.find(CLIENT, NOW) == bound()

    def test_opens_nothing_when_told_so(self, flows) -> None:
        assert check(flows, open_new=False) is Admission.FULL
        assert counts(flows) == (0, 0)

    def test_of_a_known_address_counts_all_the_same(self, flows) -> None:
        check(flows)

        admission = check(flows, owner=OTHER_OWNER, ufrag=OTHER_UFRAG, now=NOW + 50, open_new=False)

        assert admission is Admission.ACCEPTED
        later = NOW + 50 + PROVISIONAL_SECONDS - 0.01
        assert flows.find(CLIENT, later) == provisional(OTHER_OWNER, OTHER_UFRAG)


class TestAllowance:
    def test_is_three_times_what_came(self, flows) -> None:
        check(flows, size=100)
        flows.received(CLIENT, 50)

        assert flows.may_send(CLIENT, 449, NOW)
        assert flows.may_send(CLIENT, 1, NOW)
        assert not flows.may_send(CLIENT, 1, NOW)
        flows.received(CLIENT, 1)
        assert flows.may_send(CLIENT, 3, NOW)

    def test_what_is_refused_is_not_counted(self, flows) -> None:
        check(flows, size=100)

        assert not flows.may_send(CLIENT, 301, NOW)
        assert flows.may_send(CLIENT, 300, NOW)

    def test_does_not_bind_a_bound_flow(self, flows) -> None:
        bind(flows)

        assert flows.may_send(CLIENT, 1_000_000, NOW)

    def test_nor_an_address_without_a_flow(self, flows) -> None:
        assert flows.may_send(CLIENT, 1_000_000, NOW)

        check(flows)
        assert flows.may_send(CLIENT, 1_000_000, NOW + PROVISIONAL_SECONDS)

    def test_is_of_each_address_alone(self, flows) -> None:
        check(flows, client(1))
        check(flows, client(2))
        assert flows.may_send(client(1), 300, NOW)

        flows.received(client(2), 100)

        assert not flows.may_send(client(1), 1, NOW)

    def test_starts_anew_when_the_flow_does(self, flows) -> None:
        check(flows, size=1000)
        flows.may_send(CLIENT, 50, NOW)

        check(flows, size=10, now=NOW + PROVISIONAL_SECONDS)

        assert not flows.may_send(CLIENT, 31, NOW + PROVISIONAL_SECONDS)
        assert flows.may_send(CLIENT, 30, NOW + PROVISIONAL_SECONDS)

    def test_of_nobody_is_not_credited(self, flows) -> None:
        flows.received(CLIENT, 1000)
        check(flows, size=10)

        assert not flows.may_send(CLIENT, 31, NOW)


class TestConfirmedBind:
    def test_needs_no_flow(self, flows) -> None:
        assert bind(flows) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == bound(ufrag=None)
        assert counts(flows) == (1, 0)

    def test_lasts_as_long_as_it_says(self, flows) -> None:
        bind(flows, lifetime=7)

        assert owner_of(flows, CLIENT, NOW + 6.99) == OWNER
        assert owner_of(flows, CLIENT, NOW + 7) is None

    def test_of_no_time_is_none(self, flows) -> None:
        bind(flows, lifetime=0)

        assert flows.find(CLIENT, NOW) is None

    def test_another_one_prolongs_it(self, flows) -> None:
        bind(flows)
        bind(flows, now=NOW + 20)

        assert owner_of(flows, CLIENT, NOW + 49.9) == OWNER
        assert counts(flows) == (1, 0)

    def test_ends_the_limits_of_a_provisional_flow(self, flows) -> None:
        check(flows)
        bind(flows)

        assert flows.find(CLIENT, NOW) == bound()
        assert flows.may_send(CLIENT, 1_000_000, NOW)
        assert counts(flows) == (1, 0)

    def test_takes_another_owner_s_provisional_flow_without_its_ufrag(self, flows) -> None:
        check(flows)

        assert bind(flows, owner=OTHER_OWNER) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == bound(OTHER_OWNER, None)

    def test_is_refused_while_another_owner_s_lasts(self, flows) -> None:
        bind(flows)

        assert bind(flows, owner=OTHER_OWNER, now=NOW + 29.9) is Admission.CONFLICT
        assert owner_of(flows, CLIENT, NOW + 29.9) == OWNER
        assert bind(flows, owner=OTHER_OWNER, now=NOW + 30) is Admission.ACCEPTED
        assert owner_of(flows, CLIENT, NOW + 30) == OTHER_OWNER

    def test_owners_of_one_host_are_told_apart_by_port(self, flows) -> None:
        bind(flows)

        assert bind(flows, owner=("10.0.0.1", 4001)) is Admission.CONFLICT

    def test_of_the_owner_s_next_life_replaces_its_last(self, flows) -> None:
        bind(flows)

        assert bind(flows, epoch=NEXT_EPOCH) is Admission.ACCEPTED
        flows.reset(OWNER, NEXT_EPOCH)

        assert owner_of(flows, CLIENT) == OWNER


class TestSignalledBind:
    """For clients that no check will prove: phones and trunks without ICE."""

    @pytest.fixture
    def signalled(self) -> Flow:
        return Flow(OWNER, FlowState.SIGNALLED, NO_UFRAG)

    def say(self, flows: Flows, owner: Address = OWNER, now: float = NOW) -> Admission:
        return flows.bind(CLIENT, owner, EPOCH, Bind(LIFETIME, False, (), True), now)

    def test_binds_without_a_limit_before_anything_came(self, flows, signalled) -> None:
        assert self.say(flows) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == signalled
        assert counts(flows) == (1, 0)
        assert flows.may_send(CLIENT, 1_000_000, NOW)
        assert flows.find(CLIENT, NOW + LIFETIME) is None

    def test_whoever_answers_another_owner_s_check_there_takes_it_over(self, flows) -> None:
        self.say(flows)
        check(flows, CLIENT, OTHER_OWNER)
        assert owner_of(flows, CLIENT) == OWNER

        assert bind(flows, CLIENT, OTHER_OWNER) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == bound(OTHER_OWNER, None)
        assert counts(flows) == (1, 0)
        assert self.say(flows) is Admission.CONFLICT
        flows.unbind(CLIENT, OWNER)
        assert owner_of(flows, CLIENT) == OTHER_OWNER

    @pytest.mark.parametrize("signalled_too", [True, False])
    def test_another_owner_s_word_alone_does_not(self, flows, signalled, signalled_too) -> None:
        self.say(flows)

        word = Bind(LIFETIME, False, (), signalled_too)
        assert flows.bind(CLIENT, OTHER_OWNER, EPOCH, word, NOW) is Admission.CONFLICT

        assert flows.find(CLIENT, NOW) == signalled

    def test_takes_nothing_away_from_a_bound_flow(self, flows) -> None:
        bind(flows, CLIENT)
        assert self.say(flows, OTHER_OWNER) is Admission.CONFLICT
        assert self.say(flows) is Admission.ACCEPTED
        assert flows.find(CLIENT, NOW) == bound(ufrag=None)

    def test_the_owner_s_own_check_confirms_it(self, flows) -> None:
        self.say(flows)
        bind(flows, CLIENT)
        assert flows.find(CLIENT, NOW) == bound(ufrag=None)

    def test_a_successor_knows_it_for_what_it_is(self, flows, new_flows, signalled) -> None:
        self.say(flows)
        successor = new_flows()
        successor.restore(flows.snapshot(NOW), NOW)
        assert successor.find(CLIENT, NOW) == signalled
        assert list(successor.owners(NOW)) == [(OWNER, 1)]
        assert [each.state for each in successor.flows_of(CLIENT[0], NOW)] == [FlowState.SIGNALLED]

    def test_is_forgotten_with_its_time(self, flows) -> None:
        self.say(flows)
        flows.sweep(NOW + LIFETIME)
        flows.sweep(NOW + LIFETIME)
        assert counts(flows) == (0, 0)


class TestUnconfirmedBind:
    def test_opens_a_provisional_flow_with_some_credit(self, flows) -> None:
        assert bind(flows, confirmed=False) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == provisional(ufrag=None)
        assert not flows.may_send(CLIENT, 3 * REBINDING_CREDIT + 1, NOW)
        assert flows.may_send(CLIENT, 3 * REBINDING_CREDIT, NOW)

    def test_gives_its_credit_once(self, flows) -> None:
        bind(flows, confirmed=False)
        flows.may_send(CLIENT, 3 * REBINDING_CREDIT, NOW)

        bind(flows, confirmed=False)
        bind(flows, confirmed=False, owner=OTHER_OWNER)

        assert not flows.may_send(CLIENT, 1, NOW)

    def test_lasts_as_long_as_a_check(self, flows) -> None:
        bind(flows, confirmed=False, lifetime=1)

        assert owner_of(flows, CLIENT, NOW + PROVISIONAL_SECONDS - 0.01) == OWNER
        assert owner_of(flows, CLIENT, NOW + PROVISIONAL_SECONDS) is None

    def test_keeps_the_ufrag_of_its_owner_s_flow(self, flows) -> None:
        check(flows)
        bind(flows, confirmed=False)

        assert flows.find(CLIENT, NOW) == provisional()

    def test_repoints_another_owner_s_provisional_flow(self, flows) -> None:
        check(flows, size=1000)
        flows.may_send(CLIENT, 2900, NOW)

        assert bind(flows, owner=OTHER_OWNER, confirmed=False) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW) == provisional(OTHER_OWNER, None)
        assert not flows.may_send(CLIENT, 101, NOW)

    def test_does_not_touch_the_bound_flow_of_another_owner(self, flows) -> None:
        bind(flows)

        assert bind(flows, owner=OTHER_OWNER, confirmed=False) is Admission.CONFLICT
        assert flows.find(CLIENT, NOW) == bound(ufrag=None)

    def test_does_not_downgrade_its_owner_s_bound_flow(self, flows) -> None:
        check(flows)
        bind(flows)

        assert bind(flows, confirmed=False, now=NOW + 20) is Admission.ACCEPTED

        assert flows.find(CLIENT, NOW + 20) == bound()
        assert flows.find(CLIENT, NOW + 49.9) == bound()
        assert counts(flows) == (1, 0)


class TestUnbind:
    @pytest.mark.parametrize("open_flow", [check, bind])
    def test_ends_its_owner_s_flow(self, flows, open_flow) -> None:
        open_flow(flows)

        flows.unbind(CLIENT, OTHER_OWNER)
        assert owner_of(flows, CLIENT) == OWNER

        flows.unbind(CLIENT, OWNER)
        assert flows.find(CLIENT, NOW) is None
        assert counts(flows) == (0, 0)

    def test_of_an_address_without_a_flow_is_nothing(self, flows) -> None:
        flows.unbind(CLIENT, OWNER)

        assert counts(flows) == (0, 0)

    def test_makes_the_address_free_for_another_owner(self, flows) -> None:
        bind(flows)
        flows.unbind(CLIENT, OWNER)

        assert bind(flows, owner=OTHER_OWNER) is Admission.ACCEPTED


class TestReset:
    def test_ends_what_the_owner_s_other_lives_bound(self, flows) -> None:
        bind(flows, client(1), epoch=EPOCH, ssrcs=(1,))
        bind(flows, client(2), epoch=EPOCH + 1, confirmed=False)
        bind(flows, client(3), epoch=NEXT_EPOCH, ssrcs=(3,))

        flows.reset(OWNER, NEXT_EPOCH)

        assert [owner_of(flows, client(number)) for number in (1, 2, 3)] == [None, None, OWNER]
        assert flows.follow_ssrc(1, NOW) is SsrcVerdict.UNKNOWN
        assert flows.follow_ssrc(3, NOW) == OWNER

    def test_leaves_other_owners_and_what_checks_opened(self, flows) -> None:
        bind(flows, client(1), OTHER_OWNER)
        check(flows, client(2))

        flows.reset(OWNER, NEXT_EPOCH)

        assert owner_of(flows, client(1)) == OTHER_OWNER
        assert owner_of(flows, client(2)) == OWNER

    def test_makes_its_addresses_free_for_others(self, flows) -> None:
        bind(flows, ssrcs=(1,))
        flows.reset(OWNER, NEXT_EPOCH)

        assert bind(flows, owner=OTHER_OWNER, ssrcs=(1,)) is Admission.ACCEPTED
        assert flows.follow_ssrc(1, NOW) == OTHER_OWNER

    def test_what_is_bound_afterwards_counts(self, flows) -> None:
        """A late RESET of a life that is over must not blind the relay to the present one."""
        bind(flows, client(1), epoch=NEXT_EPOCH)
        bind(flows, client(2), epoch=NEXT_EPOCH)
        flows.reset(OWNER, EPOCH)

        bind(flows, client(1), epoch=NEXT_EPOCH)

        assert owner_of(flows, client(1)) == OWNER
        assert owner_of(flows, client(2)) is None

    def test_of_an_unknown_owner_is_nothing(self, flows) -> None:
        flows.reset(OTHER_OWNER, EPOCH)
        bind(flows)

        assert owner_of(flows, CLIENT) == OWNER


class TestFullTable:
    def test_gives_up_the_provisional_flow_that_was_opened_first(self, flows) -> None:
        for number in (1, 2, 3):
            check(flows, client(number), now=NOW + number)
        # Neither use nor repointing makes a flow younger.
        check(flows, client(1), OTHER_OWNER, now=NOW + 10)
        bind(flows, client(1), confirmed=False, now=NOW + 10)

        check(flows, client(4), now=NOW + 11)

        alive = [owner_of(flows, client(number), NOW + 11) is not None for number in (1, 2, 3, 4)]
        assert alive == [False, True, True, True]
        assert flows.evictions == 1

    @pytest.mark.parametrize("confirmed", [True, False])
    def test_bindings_push_provisional_flows_out_too(self, flows, confirmed) -> None:
        bind(flows, client(1))
        check(flows, client(2))
        check(flows, client(3))

        assert bind(flows, client(4), confirmed=confirmed) is Admission.ACCEPTED

        assert owner_of(flows, client(2)) is None
        assert owner_of(flows, client(1)) == OWNER
        assert flows.evictions == 1

    def test_of_bound_flows_refuses(self, flows) -> None:
        for number in (1, 2, 3):
            bind(flows, client(number))

        assert check(flows, client(4)) is Admission.FULL
        assert bind(flows, client(4), confirmed=True) is Admission.FULL
        assert bind(flows, client(4), confirmed=False, ssrcs=(1,)) is Admission.FULL

        assert counts(flows) == (3, 0)
        assert flows.follow_ssrc(1, NOW) is SsrcVerdict.UNKNOWN
        assert flows.evictions == 0

    def test_of_bound_flows_still_serves_them(self, flows) -> None:
        for number in (1, 2, 3):
            bind(flows, client(number))

        assert bind(flows, client(1), now=NOW + 20) is Admission.ACCEPTED
        assert check(flows, client(2)) is Admission.ACCEPTED
        assert bind(flows, client(3), OTHER_OWNER) is Admission.CONFLICT

    def test_has_room_again_for_what_was_swept(self, flows) -> None:
        for number in (1, 2, 3):
            bind(flows, client(number))

        flows.sweep(NOW + LIFETIME)

        assert check(flows, client(4), now=NOW + LIFETIME) is Admission.ACCEPTED
        assert flows.evictions == 0

    def test_repointing_needs_no_room(self, flows) -> None:
        for number in (1, 2, 3):
            check(flows, client(number))

        assert check(flows, client(1), OTHER_OWNER) is Admission.ACCEPTED
        assert bind(flows, client(2)) is Admission.ACCEPTED
        assert (counts(flows), flows.evictions) == ((1, 2), 0)


class TestSsrcs:
    def test_lead_to_who_announced_them(self, flows) -> None:
        bind(flows, ssrcs=(0, 0xFFFFFFFF))

        assert flows.follow_ssrc(0, NOW) == OWNER
        assert flows.follow_ssrc(0xFFFFFFFF, NOW) == OWNER
        assert flows.follow_ssrc(1, NOW) is SsrcVerdict.UNKNOWN
        assert flows.ssrcs == 2

    def test_opens_no_flow(self, flows) -> None:
        bind(flows, ssrcs=(7,))
        flows.follow_ssrc(7, NOW)

        assert counts(flows) == (1, 0)

    def test_last_as_long_as_the_binding(self, flows) -> None:
        bind(flows, ssrcs=(7,))
        assert flows.follow_ssrc(7, NOW + 29.9) == OWNER
        assert flows.follow_ssrc(7, NOW + 30) is SsrcVerdict.UNKNOWN

        bind(flows, ssrcs=(7,), now=NOW + 40)
        assert flows.follow_ssrc(7, NOW + 69.9) == OWNER

    def test_an_unconfirmed_binding_announces_too(self, flows) -> None:
        bind(flows, confirmed=False, ssrcs=(7,))

        assert flows.follow_ssrc(7, NOW) == OWNER

    def test_are_not_taken_over(self, flows) -> None:
        bind(flows, client(1), ssrcs=(7,))

        assert bind(flows, client(2), OTHER_OWNER, ssrcs=(7, 8)) is Admission.ACCEPTED

        assert flows.follow_ssrc(7, NOW) == OWNER
        assert flows.follow_ssrc(8, NOW) == OTHER_OWNER

    def test_pass_on_when_their_owner_s_claim_ended(self, flows) -> None:
        bind(flows, client(1), ssrcs=(7,))
        bind(flows, client(2), OTHER_OWNER, ssrcs=(7,), now=NOW + LIFETIME)

        assert flows.follow_ssrc(7, NOW + LIFETIME) == OTHER_OWNER

    def test_a_refused_binding_announces_none(self, flows) -> None:
        bind(flows)
        bind(flows, owner=OTHER_OWNER, ssrcs=(7,))

        assert flows.follow_ssrc(7, NOW) is SsrcVerdict.UNKNOWN

    def test_of_one_binding_are_limited(self, new_flows) -> None:
        flows = new_flows(max_ssrcs=100)
        bind(flows, ssrcs=tuple(range(MAX_BIND_SSRCS + 1)))

        assert flows.follow_ssrc(MAX_BIND_SSRCS - 1, NOW) == OWNER
        assert flows.follow_ssrc(MAX_BIND_SSRCS, NOW) is SsrcVerdict.UNKNOWN

    def test_a_full_table_keeps_those_it_has(self, new_flows) -> None:
        flows = new_flows(max_ssrcs=2)
        bind(flows, ssrcs=(1, 2, 3))
        bind(flows, client(2), ssrcs=(2, 3), now=NOW + 20)

        assert [flows.follow_ssrc(ssrc, NOW + 40) for ssrc in (1, 2, 3)] == [
            SsrcVerdict.UNKNOWN,
            OWNER,
            SsrcVerdict.UNKNOWN,
        ]

    def test_a_swept_table_has_room_again(self, new_flows) -> None:
        flows = new_flows(max_ssrcs=1)
        bind(flows, ssrcs=(1,))
        flows.sweep(NOW + LIFETIME)
        assert flows.ssrcs == 0

        bind(flows, ssrcs=(2,), now=NOW + LIFETIME)
        assert flows.follow_ssrc(2, NOW + LIFETIME) == OWNER

    def test_bring_no_more_packets_than_a_client_sends(self, flows) -> None:
        bind(flows, ssrcs=(7, 8))

        followed = [flows.follow_ssrc(7, NOW) for _ in range(SSRC_PACKETS_PER_SECOND + 2)]

        assert followed.count(OWNER) == SSRC_PACKETS_PER_SECOND
        assert followed[-2:] == [SsrcVerdict.LIMITED] * 2
        assert flows.follow_ssrc(8, NOW) == OWNER

    def test_get_their_allowance_back_with_time(self, flows) -> None:
        bind(flows, ssrcs=(7,))
        for _ in range(SSRC_PACKETS_PER_SECOND):
            flows.follow_ssrc(7, NOW)

        assert [flows.follow_ssrc(7, NOW + 0.025) for _ in range(3)] == [
            OWNER,
            OWNER,
            SsrcVerdict.LIMITED,
        ]
        followed = [flows.follow_ssrc(7, NOW + 20) for _ in range(2 * SSRC_PACKETS_PER_SECOND)]
        assert followed.count(OWNER) == SSRC_PACKETS_PER_SECOND

    def test_do_not_get_it_back_by_being_announced_again(self, flows) -> None:
        bind(flows, ssrcs=(7,))
        for _ in range(SSRC_PACKETS_PER_SECOND):
            flows.follow_ssrc(7, NOW)
        bind(flows, ssrcs=(7,))

        assert flows.follow_ssrc(7, NOW) is SsrcVerdict.LIMITED


class TestSweep:
    def test_forgets_what_ended_and_keeps_the_rest(self, new_flows) -> None:
        flows = new_flows(max_flows=10)
        bind(flows, client(1), ssrcs=(1,))
        bind(flows, client(2), ssrcs=(2,), lifetime=100)
        bind(flows, client(3), OTHER_OWNER, ssrcs=(3,), lifetime=100)
        check(flows, client(4))
        check(flows, client(5), now=NOW + 50)
        flows.reset(OTHER_OWNER, NEXT_EPOCH)

        flows.sweep(NOW + 61)

        assert counts(flows) == (1, 1)
        assert flows.ssrcs == 1
        assert owner_of(flows, client(2), NOW + 61) == OWNER
        assert owner_of(flows, client(5), NOW + 61) == OWNER
        assert flows.evictions == 0

    def test_comes_round_to_everything(self, new_flows) -> None:
        flows = new_flows(max_flows=25_000)
        bind(flows, client(0), lifetime=100)
        for number in range(1, 25_000):
            bind(flows, client(number))

        for _ in range(26):
            flows.sweep(NOW + LIFETIME)

        assert counts(flows) == (1, 0)


class TestOwners:
    def test_with_their_bound_flows(self, new_flows) -> None:
        flows = new_flows(max_flows=10)
        bind(flows, client(1))
        bind(flows, client(2), lifetime=5)
        bind(flows, client(3), epoch=NEXT_EPOCH)
        bind(flows, client(4), IPV6_OWNER)
        check(flows, client(5), OTHER_OWNER)

        assert dict(flows.owners(NOW + 10)) == {OWNER: 2, IPV6_OWNER: 1, OTHER_OWNER: 0}

    def test_are_forgotten_with_their_last_claim(self, flows) -> None:
        bind(flows)
        flows.unbind(CLIENT, OWNER)

        assert dict(flows.owners(NOW)) == {}

    def test_a_host_s_flows_are_those_of_all_its_ports(self, new_flows) -> None:
        flows = new_flows(max_flows=10)
        host, ipv6_client = client(1)[0], ("2001:db8::7", 5)
        bind(flows, client(1))
        check(flows, (host, 9), OTHER_OWNER)
        bind(flows, ("203.0.113.8", 1))
        bind(flows, ipv6_client)

        both = [each for each in flows.snapshot(NOW).each_flow() if each.client[0] == host]
        assert [each.client for each in both] == [client(1), (host, 9)]
        assert flows.flows_of(host, NOW) == both
        assert [each.client for each in flows.flows_of(ipv6_client[0], NOW)] == [ipv6_client]

        flows.reset(OWNER, NEXT_EPOCH)
        assert flows.flows_of(host, NOW) == both[1:]
        assert flows.flows_of(host, NOW + PROVISIONAL_SECONDS) == []


class TestSnapshot:
    """A table that takes over another's snapshot decides as that one would have."""

    LATER = NOW + 5
    PREDECESSOR_S_CLOCK = 7_000_000.0

    @pytest.fixture
    def successor(self, new_flows: NewFlows) -> Flows:
        before, then = new_flows(max_flows=10), self.PREDECESSOR_S_CLOCK
        bind(before, client(1), now=then, ssrcs=(1, 2))
        check(before, client(1), now=then)
        bind(before, client(2), OTHER_OWNER, epoch=NEXT_EPOCH, lifetime=1, now=then)
        check(before, client(3), now=then, size=100)
        before.may_send(client(3), 250, then)
        bind(before, ("2001:db8::7", 4), IPV6_OWNER, confirmed=False, now=then)
        after = new_flows(max_flows=10)
        after.restore(before.snapshot(then), NOW)
        return after

    def test_has_all_that_lived(self, successor) -> None:
        assert successor.find(client(1), NOW) == bound()
        assert successor.find(client(2), NOW) == bound(OTHER_OWNER, None)
        assert successor.find(client(3), NOW) == provisional()
        assert successor.find(("2001:db8::7", 4), NOW) == provisional(IPV6_OWNER, None)
        assert counts(successor) == (2, 2)
        assert successor.ssrcs == 2

    def test_ends_when_it_would_have(self, successor) -> None:
        assert owner_of(successor, client(2), NOW + 1) is None
        assert owner_of(successor, client(1), NOW + 29) == OWNER
        assert successor.follow_ssrc(1, NOW + 29) == OWNER
        assert owner_of(successor, client(1), NOW + 30) is None
        assert successor.follow_ssrc(1, NOW + 30) is SsrcVerdict.UNKNOWN

    def test_goes_on_with_the_accounts_of_provisional_flows(self, successor) -> None:
        assert not successor.may_send(client(3), 51, NOW)
        assert successor.may_send(client(3), 50, NOW)
        assert not successor.may_send(("2001:db8::7", 4), 3 * REBINDING_CREDIT + 1, NOW)
        assert successor.may_send(("2001:db8::7", 4), 3 * REBINDING_CREDIT, NOW)

    def test_knows_the_owners_lives(self, successor) -> None:
        successor.reset(OWNER, EPOCH)
        assert owner_of(successor, client(1)) == OWNER
        successor.reset(OTHER_OWNER, EPOCH)
        assert owner_of(successor, client(2)) is None

    def test_leaves_out_what_ended(self, new_flows) -> None:
        flows = new_flows()
        bind(flows, client(1), ssrcs=(1,))
        check(flows, client(2))
        bind(flows, client(3), OTHER_OWNER, lifetime=1000, ssrcs=(3,))
        flows.reset(OTHER_OWNER, NEXT_EPOCH)

        assert flows.snapshot(NOW + 60) == TableSnapshot()

    def test_gives_way_to_what_is_there(self, new_flows) -> None:
        before, after = new_flows(), new_flows()
        bind(before, ssrcs=(1,))
        bind(after, owner=OTHER_OWNER, ssrcs=(1,))

        after.restore(before.snapshot(NOW), NOW)

        assert owner_of(after, CLIENT) == OTHER_OWNER
        assert after.follow_ssrc(1, NOW) == OTHER_OWNER

    def test_of_a_larger_table_is_cut(self, new_flows) -> None:
        before, after = new_flows(max_flows=10), new_flows(max_flows=2)
        for number in range(5):
            bind(before, client(number))
        check(before, client(9))

        after.restore(before.snapshot(NOW), NOW)

        assert counts(after) == (2, 0)

    def test_keeps_the_order_in_which_provisional_flows_go(self, new_flows) -> None:
        before, after = new_flows(), new_flows()
        for number in (2, 1, 3):
            check(before, client(number))

        after.restore(before.snapshot(NOW), NOW)
        check(after, client(4))

        assert owner_of(after, client(2)) is None
        assert owner_of(after, client(1)) == OWNER


CLIENTS = st.sampled_from(
    [
        *map(client, range(6)),
        ("2001:db8::7", 1),
        ("2001:db8:0:1::7", 1),
        ("::ffff:203.0.113.7", 1),
        ("::cb00:7107", 1),
    ]
)
OWNERS = st.sampled_from([OWNER, OTHER_OWNER, IPV6_OWNER, ("10.0.0.1", 4001)])
EPOCHS = st.sampled_from([EPOCH, NEXT_EPOCH, 0, 1])
SIZES = st.integers(0, 2000)
SSRCS = st.sampled_from([1, 2, 3, 0xFFFFFFFF])


class BothTables(RuleBasedStateMachine):
    """The compiled table does at every step what the reference does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW

    @initialize(max_flows=st.integers(1, 5), max_ssrcs=st.integers(1, 3))
    def open(self, max_flows: int, max_ssrcs: int) -> None:
        self.max_flows, self.max_ssrcs = max_flows, max_ssrcs
        self.tables = [table(max_flows=max_flows, max_ssrcs=max_ssrcs) for table in TABLES]

    def same(self, call: Callable[[Flows], object]) -> None:
        expected, *others = map(call, self.tables)
        for other in others:
            assert other == expected

    @rule(seconds=st.sampled_from([0.001, 0.01, 0.5, 1.0, 29.5, 30.0, 60.0]) | st.floats(0, 70))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        source=CLIENTS,
        owner=OWNERS,
        ufrag=st.sampled_from([b"", UFRAG, OTHER_UFRAG]),
        size=SIZES,
        open_new=st.booleans(),
    )
    def check(self, source, owner, ufrag, size, open_new) -> None:
        self.same(
            lambda flows: flows.check_verified(
                source, owner, ufrag, size, self.now, open_new=open_new
            )
        )

    @rule(
        source=CLIENTS,
        owner=OWNERS,
        epoch=EPOCHS,
        lifetime=st.sampled_from([0, 1, 30, 65_535]),
        confirmed=st.booleans(),
        ssrcs=st.lists(SSRCS).map(tuple),
    )
    def bind(self, source, owner, epoch, lifetime, confirmed, ssrcs) -> None:
        bind = Bind(lifetime, confirmed, ssrcs)
        self.same(lambda flows: flows.bind(source, owner, epoch, bind, self.now))

    @rule(source=CLIENTS, owner=OWNERS)
    def unbind(self, source, owner) -> None:
        self.same(lambda flows: flows.unbind(source, owner))

    @rule(owner=OWNERS, epoch=EPOCHS)
    def reset(self, owner, epoch) -> None:
        self.same(lambda flows: flows.reset(owner, epoch))

    @rule(source=CLIENTS, size=SIZES)
    def received(self, source, size) -> None:
        self.same(lambda flows: flows.received(source, size))

    @rule(source=CLIENTS, size=SIZES)
    def may_send(self, source, size) -> None:
        self.same(lambda flows: flows.may_send(source, size, self.now))

    @rule(source=CLIENTS)
    def find(self, source) -> None:
        self.same(lambda flows: flows.find(source, self.now))

    @rule(ssrc=SSRCS, packets=st.sampled_from([1, 1, 60, 101]))
    def follow_ssrc(self, ssrc, packets) -> None:
        self.same(lambda flows: [flows.follow_ssrc(ssrc, self.now) for _ in range(packets)])

    @rule()
    def sweep(self) -> None:
        self.same(lambda flows: flows.sweep(self.now))

    @rule(clock=st.floats(0, 1e9))
    def hand_over(self, clock: float) -> None:
        snapshots = [flows.snapshot(self.now) for flows in self.tables]
        self.now = clock
        self.tables = [
            table(max_flows=self.max_flows, max_ssrcs=self.max_ssrcs) for table in TABLES
        ]
        for flows, taken in zip(self.tables, snapshots, strict=True):
            # A full table of SSRCs keeps the first, and tables differ in their order.
            ssrcs = sorted(taken.each_ssrc(), key=lambda each: each.ssrc)
            flows.restore(TableSnapshot.of(taken.each_flow(), ssrcs), clock)

    @invariant()
    def hold_the_same(self) -> None:
        if hasattr(self, "tables"):
            self.same(lambda flows: observed_flows(flows, self.now))
            assert sum(counts(self.tables[0])) <= self.max_flows
            assert self.tables[0].ssrcs <= self.max_ssrcs


TestBothTables = BothTables.TestCase
TestBothTables.settings = settings(
    max_examples=100 if fast.available else 20, stateful_step_count=40, deadline=None
)
