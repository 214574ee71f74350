"""The compiled table does what the reference does."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

pytest.importorskip("numba")

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind
from relay.fast.flow_table import FastFlowTable
from relay.flow_table import FlowTable
from relay.flows import Admission, Flow, FlowState, SsrcVerdict, ufrag_mark

OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
CLIENT = ("203.0.113.7", 5000)

clients = st.sampled_from(
    [
        CLIENT,
        ("203.0.113.7", 5001),
        ("203.0.113.8", 5000),
        ("2001:db8::1", 5000),
        ("2001:db8:0:1::1", 5000),
        ("::ffff:203.0.113.7", 5000),
        ("::cb00:7107", 5000),
    ]
)
owners = st.sampled_from([OWNER, OTHER_OWNER, ("10.0.0.1", 4001), ("fd00::1", 4000)])
epochs = st.sampled_from([0, 1, 2, (1 << 64) - 1])
ufrags = st.sampled_from([b"", b"one", b"another"])
sizes = st.integers(0, 1500)
ssrcs = st.integers(0, 3) | st.just((1 << 32) - 1)
binds = st.builds(
    Bind, st.sampled_from([0, 1, 30, 65535]), st.booleans(), st.lists(ssrcs, max_size=10).map(tuple)
)


def by_client(snapshot: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    """Provisional flows in the order of their opening; what has no order, in one of its own."""
    flows, announced = snapshot
    bound = [flow for flow in flows if flow.state is FlowState.BOUND]
    provisional = [flow for flow in flows if flow.state is FlowState.PROVISIONAL]
    return sorted(bound, key=str) + provisional, sorted(announced, key=str)


class TwoTables(RuleBasedStateMachine):
    """Both tables hear the same; their answers must be the same."""

    @initialize(max_flows=st.integers(1, 6), max_ssrcs=st.integers(1, 4))
    def make(self, max_flows: int, max_ssrcs: int) -> None:
        self.now = 1000.0
        self.reference = FlowTable(max_flows=max_flows, max_ssrcs=max_ssrcs)
        self.compiled = FastFlowTable(max_flows=max_flows, max_ssrcs=max_ssrcs)

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 29.5, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(client=clients)
    def find(self, client: Address) -> None:
        assert self.compiled.find(client, self.now) == self.reference.find(client, self.now)

    @rule(client=clients, size=sizes)
    def receive(self, client: Address, size: int) -> None:
        self.compiled.received(client, size)
        self.reference.received(client, size)

    @rule(client=clients, size=sizes)
    def send(self, client: Address, size: int) -> None:
        expected = self.reference.may_send(client, size, self.now)
        assert self.compiled.may_send(client, size, self.now) == expected

    @rule(client=clients, owner=owners, ufrag=ufrags, size=sizes, open_new=st.booleans())
    def check(
        self, client: Address, owner: Address, ufrag: bytes, size: int, open_new: bool
    ) -> None:
        expected, found = (
            table.check_verified(client, owner, ufrag, size, self.now, open_new=open_new)
            for table in (self.reference, self.compiled)
        )
        assert found == expected

    @rule(client=clients, owner=owners, epoch=epochs, bind=binds)
    def bind(self, client: Address, owner: Address, epoch: int, bind: Bind) -> None:
        expected = self.reference.bind(client, owner, epoch, bind, self.now)
        assert self.compiled.bind(client, owner, epoch, bind, self.now) == expected

    @rule(client=clients, owner=owners)
    def unbind(self, client: Address, owner: Address) -> None:
        self.reference.unbind(client, owner)
        self.compiled.unbind(client, owner)

    @rule(owner=owners, epoch=epochs)
    def reset(self, owner: Address, epoch: int) -> None:
        self.reference.reset(owner, epoch)
        self.compiled.reset(owner, epoch)

    @rule(ssrc=ssrcs, packets=st.sampled_from([1, 60]))
    def follow(self, ssrc: int, packets: int) -> None:
        for _ in range(packets):
            expected = self.reference.follow_ssrc(ssrc, self.now)
            assert self.compiled.follow_ssrc(ssrc, self.now) == expected

    @rule()
    def sweep(self) -> None:
        self.reference.sweep(self.now)
        self.compiled.sweep(self.now)

    @rule()
    def hand_over(self) -> None:
        flows, announced = self.reference.snapshot(self.now)
        for table in (self.reference, self.compiled):
            table.restore(flows, announced, self.now)

    @invariant()
    def look_alike(self) -> None:
        for name in ("bound", "provisional", "ssrcs", "evictions"):
            assert getattr(self.compiled, name) == getattr(self.reference, name)
        assert by_client(self.compiled.snapshot(self.now)) == by_client(
            self.reference.snapshot(self.now)
        )
        assert dict(self.compiled.owners(self.now)) == dict(self.reference.owners(self.now))


TestTwoTables = TwoTables.TestCase
TestTwoTables.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


def test_takes_at_most_100_bytes_a_flow() -> None:
    assert FastFlowTable(max_flows=100_000).table_bytes <= 100 * 100_000


def test_fills_to_the_last_flow_and_ssrc() -> None:
    flows = FastFlowTable(max_flows=1000)
    for port in range(1000):
        bind = Bind(30, True, (port,))
        assert flows.bind(("203.0.113.7", port), OWNER, 1, bind, 0.0) is Admission.ACCEPTED

    assert (flows.bound, flows.ssrcs) == (1000, 1000)
    assert flows.bind(CLIENT, OWNER, 1, Bind(30, True, (5000,)), 0.0) is Admission.FULL
    assert flows.follow_ssrc(999, 0.0) == OWNER
    assert flows.follow_ssrc(5000, 0.0) is SsrcVerdict.UNKNOWN
    assert all(flows.find(("203.0.113.7", port), 0.0) for port in range(1000))


def test_a_successor_takes_all_over() -> None:
    flows, successor = FastFlowTable(max_flows=4), FastFlowTable(max_flows=4)
    flows.bind(CLIENT, OWNER, 5, Bind(30, True, (1, 2)), 0.0)
    flows.check_verified(("2001:db8::1", 9), OTHER_OWNER, b"ufrag", 100, 0.0, open_new=True)
    taken = flows.snapshot(10.0)

    successor.restore(*taken, 100.0)

    assert successor.snapshot(100.0) == taken
    assert successor.find(("2001:db8::1", 9), 149.0) == Flow(
        OTHER_OWNER, FlowState.PROVISIONAL, ufrag_mark(b"ufrag")
    )
    assert successor.find(CLIENT, 119.0) is not None
    assert successor.find(CLIENT, 120.5) is None


def test_owners_without_claims_make_room_for_others() -> None:
    flows = FastFlowTable(max_flows=4)
    for number in range(3000):
        owner = (f"10.1.{number >> 8}.{number & 255}", 4000)
        assert flows.bind(CLIENT, owner, 1, Bind(30, True, ()), 0.0) is Admission.ACCEPTED
        flows.unbind(CLIENT, owner)

    assert list(flows.owners(0.0)) == []


def test_owners_with_claims_make_no_room() -> None:
    flows = FastFlowTable(max_flows=3000)
    admissions = [
        flows.bind(
            ("203.0.113.7", number),
            (f"10.1.{number >> 8}.{number & 255}", 4000),
            1,
            Bind(30, True, ()),
            0.0,
        )
        for number in range(2049)
    ]

    assert set(admissions[:2048]) == {Admission.ACCEPTED}
    assert admissions[2048] is Admission.FULL
