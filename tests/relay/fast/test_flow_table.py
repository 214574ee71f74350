"""What the compiled table has beside the rules in `tests/relay/test_flows.py`: bounds on memory."""

import pytest

pytest.importorskip("numba")

from antiphon_proto.tunnel_control import Bind
from relay.fast.flow_table import FastFlowTable
from relay.flow_table import FlowTable
from relay.flows import Admission, Flow, FlowState, SsrcVerdict, ufrag_mark
from relay.table_snapshot import FLOW, TableSnapshot

OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
CLIENT = ("203.0.113.7", 5000)


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

    successor.restore(taken, 100.0)

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


def test_an_owner_of_the_last_cluster_is_not_taken_for_one_of_this() -> None:
    flows = FastFlowTable(max_flows=4)
    remote = ("10.0.0.1%255", 4000)
    flows.bind(CLIENT, remote, 1, Bind(30, True, ()), 0.0)

    flow = flows.find(CLIENT, 0.0)

    assert flow is not None
    assert flow.owner == remote
    assert list(flows.owners(0.0)) == [(remote, 1)]


def test_leaves_out_what_is_no_flow_of_a_predecessor_s() -> None:
    flows = FastFlowTable(max_flows=4)

    flows.restore(TableSnapshot(flows=bytes(2 * FLOW.size)), 0.0)

    assert flows.bound == flows.provisional == 0


@pytest.mark.parametrize("compiled_first", [True, False])
def test_tables_of_both_kinds_take_each_other_s_flows_over(compiled_first) -> None:
    kinds = (FastFlowTable, FlowTable) if compiled_first else (FlowTable, FastFlowTable)
    flows, successor = (kind(max_flows=4) for kind in kinds)
    flows.bind(CLIENT, OWNER, 2**64 - 1, Bind(30, True, (1, 2)), 0.0)
    flows.bind(("2001:db8::1", 1), OWNER, 7, Bind(30, False, (), signalled=True), 0.0)
    flows.check_verified(("2001:db8::1", 9), OTHER_OWNER, b"ufrag", 100, 0.0, open_new=True)

    successor.restore(flows.snapshot(10.0), 100.0)

    assert successor.snapshot(100.0) == flows.snapshot(10.0)
