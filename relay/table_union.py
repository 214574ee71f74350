"""What several workers' tables remember together.

Owners announce to every worker, so the tables differ only in what is provisional and in
what was announced a moment ago.
"""

import struct
from collections.abc import Callable, Collection, Iterable

from relay.table_snapshot import FLOW, FLOW_KEY_BYTES, SSRC, SSRC_KEY_BYTES, TableSnapshot
from relay.worker_link import Snapshot

Weight = Callable[[bytes], tuple[int, ...]]


def table_union(snapshots: Collection[Snapshot]) -> Snapshot:
    """Each address and each SSRC once: bound rather than provisional, then what lasts longest;
    and all leases, for each port is one worker's."""
    flows = _union((each.table.flows for each in snapshots), FLOW, FLOW_KEY_BYTES, _flow_weight)
    ssrcs = _union((each.table.ssrcs for each in snapshots), SSRC, SSRC_KEY_BYTES, _ssrc_weight)
    leases = [lease for each in snapshots for lease in each.leases]
    return Snapshot(TableSnapshot(flows, ssrcs), leases)


def _union(tables: Iterable[bytes], record: struct.Struct, key_bytes: int, weight: Weight) -> bytes:
    whole = struct.Struct(f"{record.size}s")
    kept: dict[bytes, bytes] = {}
    for table in tables:
        for (each,) in whole.iter_unpack(table):
            held = kept.setdefault(each[:key_bytes], each)
            if each != held and weight(each) > weight(held):
                kept[each[:key_bytes]] = each
    return b"".join(kept.values())


def _flow_weight(record: bytes) -> tuple[int, ...]:
    *_, seconds_left, _mark, _received, _sent, state = FLOW.unpack(record)
    return state, seconds_left


def _ssrc_weight(record: bytes) -> tuple[int, ...]:
    *_, seconds_left = SSRC.unpack(record)
    return (seconds_left,)
