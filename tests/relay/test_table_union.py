from collections.abc import Sequence
from dataclasses import replace

from relay.flows import FlowSnapshot, FlowState, SsrcSnapshot
from relay.table_snapshot import TableSnapshot
from relay.table_union import table_union
from relay.worker_link import Snapshot

OWNER, OTHER = ("10.0.0.1", 5000), ("10.0.0.2", 5000)
BOUND = FlowSnapshot(("192.0.2.1", 1), OWNER, 7, FlowState.BOUND, 20, 0, 0, 0)
PROVISIONAL = replace(BOUND, owner=OTHER, epoch=0, state=FlowState.PROVISIONAL, seconds_left=60)
SSRC = SsrcSnapshot(1, OWNER, 7, 20)


def remembered(*flows: FlowSnapshot, ssrcs: Sequence[SsrcSnapshot] = ()) -> Snapshot:
    return Snapshot(TableSnapshot.of(flows, ssrcs))


def test_holds_what_any_worker_remembers() -> None:
    elsewhere = replace(BOUND, client=("192.0.2.2", 1))

    union = table_union([remembered(BOUND), remembered(elsewhere, ssrcs=[SSRC])])

    assert union == remembered(BOUND, elsewhere, ssrcs=[SSRC])


def test_a_bound_flow_wins_over_a_provisional_one_that_lasts_longer() -> None:
    for flows in ([BOUND, PROVISIONAL], [PROVISIONAL, BOUND]):
        assert table_union([remembered(flow) for flow in flows]) == remembered(BOUND)


def test_what_was_announced_last_wins() -> None:
    older = remembered(replace(BOUND, seconds_left=10), ssrcs=[replace(SSRC, seconds_left=10)])
    newer = remembered(BOUND, ssrcs=[SSRC])

    assert table_union([older, newer]) == table_union([newer, older]) == newer
