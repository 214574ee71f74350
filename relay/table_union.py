"""What several workers' tables remember together.

Owners announce to every worker, so the tables differ only in what is provisional and in
what was announced a moment ago.
"""

from collections.abc import Collection

from antiphon_proto.address import Address
from relay.flows import FlowSnapshot, FlowState, SsrcSnapshot
from relay.worker_link import Snapshot

_STATES = (FlowState.PROVISIONAL, FlowState.SIGNALLED, FlowState.BOUND)


def table_union(snapshots: Collection[Snapshot]) -> Snapshot:
    """Each address and each SSRC once: bound rather than provisional, then what lasts longest;
    and all leases, for each port is one worker's."""
    flows: dict[Address, FlowSnapshot] = {}
    ssrcs: dict[int, SsrcSnapshot] = {}
    for snapshot in snapshots:
        for flow in snapshot.flows:
            if flow.client not in flows or _weight(flow) > _weight(flows[flow.client]):
                flows[flow.client] = flow
        for each in snapshot.ssrcs:
            if each.ssrc not in ssrcs or each.seconds_left > ssrcs[each.ssrc].seconds_left:
                ssrcs[each.ssrc] = each
    leases = [lease for snapshot in snapshots for lease in snapshot.leases]
    return Snapshot(list(flows.values()), list(ssrcs.values()), leases)


def _weight(flow: FlowSnapshot) -> tuple[int, int]:
    return _STATES.index(flow.state), flow.seconds_left
