import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import unpack_host
from relay.flows import FlowSnapshot, FlowState, SsrcSnapshot
from relay.table_snapshot import FLOW, TableSnapshot

HOSTS = st.ip_addresses().map(lambda each: unpack_host(each.packed))
PORTS = st.integers(0, 2**16 - 1)
ADDRESSES = st.tuples(HOSTS, PORTS)
ZONES = st.none() | st.integers(0, 255)
OWNERS = st.builds(
    lambda host, zone, port: (host if zone is None else f"{host}%{zone}", port),
    HOSTS,
    ZONES,
    PORTS,
)
NUMBERS = st.integers(0, 2**32 - 1)
EPOCHS = st.integers(0, 2**64 - 1)
FLOWS = st.builds(
    FlowSnapshot,
    ADDRESSES,
    OWNERS,
    EPOCHS,
    st.sampled_from(FlowState),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
)
SSRCS = st.builds(SsrcSnapshot, NUMBERS, OWNERS, EPOCHS, NUMBERS)
FLOW_OF_ALL_CLUSTERS = FlowSnapshot(
    ("192.0.2.1", 1), ("10.0.0.1%255", 5000), 7, FlowState.BOUND, 20, 2**32, 2**40, 2**33
)


@given(st.lists(FLOWS), st.lists(SSRCS))
def test_holds_what_it_is_made_of(flows, ssrcs) -> None:
    snapshot = TableSnapshot.of(flows, ssrcs)

    assert list(snapshot.each_flow()) == flows
    assert list(snapshot.each_ssrc()) == ssrcs


def test_numbers_too_large_for_a_record_are_the_largest_and_a_mark_is_none() -> None:
    [flow] = TableSnapshot.of([FLOW_OF_ALL_CLUSTERS], []).each_flow()

    assert (flow.ufrag_mark, flow.received, flow.sent) == (0, 2**32 - 1, 2**32 - 1)
    assert flow.owner == FLOW_OF_ALL_CLUSTERS.owner


@pytest.mark.parametrize("cut", [{"flows": bytes(71)}, {"ssrcs": bytes(41)}])
def test_part_of_a_record_is_an_error(cut) -> None:
    with pytest.raises(ValueError, match="cut off"):
        TableSnapshot(**cut)


def test_a_record_of_no_state_is_no_flow() -> None:
    assert list(TableSnapshot(flows=bytes(FLOW.size)).each_flow()) == []
