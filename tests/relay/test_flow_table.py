import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import TunnelSender
from relay.flow_table import EXPIRED_PER_SWEEP, FlowTable

OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
SENDER = TunnelSender(ClusterKeys.parse(ClusterKeys.generate(bytes(32))), 1, OWNER)


def client(number: int) -> Address:
    return "203.0.113.7", number


@pytest.fixture
def flows() -> FlowTable:
    return FlowTable(max_flows=3, idle_seconds=60)


def owner_of(flows: FlowTable, number: int, now: float) -> Address | None:
    flow = flows.find(client(number), now)
    return flow and flow.owner


def test_finds_what_was_pointed(flows: FlowTable) -> None:
    flows.point(client(1), OWNER, SENDER, now=100)

    assert owner_of(flows, 1, now=101) == OWNER
    assert owner_of(flows, 2, now=101) is None


def test_the_port_is_part_of_the_key(flows: FlowTable) -> None:
    flows.point(("203.0.113.7", 1), OWNER, SENDER, now=100)

    assert flows.find(("203.0.113.7", 2), now=100) is None
    assert flows.find(("203.0.113.8", 1), now=100) is None


def test_a_later_owner_replaces_the_earlier(flows: FlowTable) -> None:
    flows.point(client(1), OWNER, SENDER, now=100)
    flows.point(client(1), OTHER_OWNER, SENDER, now=101)

    assert owner_of(flows, 1, now=101) == OTHER_OWNER
    assert len(flows) == 1


def test_forgets_a_silent_client(flows: FlowTable) -> None:
    flows.point(client(1), OWNER, SENDER, now=100)

    assert owner_of(flows, 1, now=160.1) is None
    assert len(flows) == 0


def test_every_packet_refreshes(flows: FlowTable) -> None:
    flows.point(client(1), OWNER, SENDER, now=100)

    assert owner_of(flows, 1, now=150) == OWNER
    assert owner_of(flows, 1, now=200) == OWNER
    assert owner_of(flows, 1, now=260.1) is None


def test_a_full_table_gives_up_the_longest_silent(flows: FlowTable) -> None:
    for number in (1, 2, 3):
        flows.point(client(number), OWNER, SENDER, now=100 + number)
    flows.find(client(1), now=110)

    flows.point(client(4), OWNER, SENDER, now=111)

    assert [owner_of(flows, number, now=111) for number in (1, 2, 3, 4)] == [
        OWNER,
        None,
        OWNER,
        OWNER,
    ]
    assert flows.evictions == 1


def test_sweep_forgets_the_idle_and_keeps_the_rest(flows: FlowTable) -> None:
    flows.point(client(1), OWNER, SENDER, now=100)
    flows.point(client(2), OWNER, SENDER, now=100)
    flows.find(client(1), now=130)

    flows.sweep(now=170)

    assert len(flows) == 1
    assert owner_of(flows, 1, now=170) == OWNER
    assert flows.evictions == 0


def test_a_sweep_is_bounded() -> None:
    flows = FlowTable(max_flows=2 * EXPIRED_PER_SWEEP, idle_seconds=1)
    for number in range(EXPIRED_PER_SWEEP + 5):
        flows.point(client(number), OWNER, SENDER, now=100)

    flows.sweep(now=200)
    assert len(flows) == 5
    flows.sweep(now=200)
    assert len(flows) == 0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.floats(0, 40))),
)
def test_never_outgrows_its_bound_and_never_outlives_its_client(
    steps: list[tuple[bool, int, float]],
) -> None:
    flows = FlowTable(max_flows=3, idle_seconds=60)
    last_seen: dict[int, float] = {}
    now = 0.0
    for is_check, number, pause in steps:
        now += pause
        if is_check:
            flows.point(client(number), OWNER, SENDER, now)
            last_seen[number] = now
        elif flows.find(client(number), now) is not None:
            assert now - last_seen[number] <= 60
            last_seen[number] = now
        assert len(flows) <= 3
