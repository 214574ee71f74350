"""The flow table in memory that compiled code reads, for the router to use from Python.

It keeps to the rules of `relay.flow_table`, with two differences: a table remembers at
most `MAX_OWNERS` owners, and counts the bytes of a provisional flow up to 4 GiB. At 100,000
flows it takes less than 100 bytes a flow, an SSRC for each included.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind
from relay.address_key import address_of, key_of
from relay.fast import table_calls as calls
from relay.fast.client_flows import ACCEPTED, CONFLICT, FULL
from relay.fast.entry_point import Block
from relay.fast.layouts import (
    BOUND,
    FLOW_RECORD,
    FREE,
    NONE,
    PROVISIONAL,
    SIGNALLED,
    SSRC_RECORD,
)
from relay.fast.ssrc_table import HELD, LIMITED, UNKNOWN
from relay.fast.table import Table, new_table, sections
from relay.flows import (
    MAX_BIND_SSRCS,
    Admission,
    Flow,
    FlowSnapshot,
    SsrcVerdict,
    ufrag_mark,
)
from relay.table_snapshot import STATES, TableSnapshot

_ADMISSIONS = {
    ACCEPTED: Admission.ACCEPTED,
    CONFLICT: Admission.CONFLICT,
    FULL: Admission.FULL,
}
_SSRC_VERDICTS = {UNKNOWN: SsrcVerdict.UNKNOWN, LIMITED: SsrcVerdict.LIMITED}
_MARK_BITS = 0xFFFFFFFF


class FastFlowTable:
    """At most `max_flows` flows, and as many SSRCs unless told otherwise."""

    def __init__(self, *, max_flows: int, max_ssrcs: int | None = None) -> None:
        ssrcs = max_flows if max_ssrcs is None else max_ssrcs
        self.memory = new_table(max_flows, ssrcs, secrets.randbits(64))
        """The table itself; it must live as long as a thread that uses it."""
        self._block = Block.of(self.memory)
        calls.make_mutex(self._block)
        self._sections = sections(self.memory)
        self._header = self._sections.header[0]

    @property
    def table_bytes(self) -> int:
        """Bytes of memory that flows, SSRCs and owners take, whatever their number."""
        return int(self.memory.nbytes)

    @property
    def bound(self) -> int:
        return int(self._header["bound"])

    @property
    def provisional(self) -> int:
        return int(self._header["provisional"])

    @property
    def ssrcs(self) -> int:
        return int(self._header["ssrcs"])

    @property
    def evictions(self) -> int:
        return int(self._header["evictions"])

    def find(self, client: Address, now: float) -> Flow | None:
        state, mark, *owner = calls.find(self._block, *key_of(client), now)
        if state == FREE:
            return None
        return Flow(address_of(*owner), STATES[state], mark)

    def received(self, client: Address, size: int) -> None:
        calls.received(self._block, *key_of(client), size)

    def may_send(self, client: Address, size: int, now: float) -> bool:
        return calls.may_send(self._block, *key_of(client), size, now)

    def check_verified(
        self,
        client: Address,
        owner: Address,
        ufrag: bytes,
        size: int,
        now: float,
        *,
        open_new: bool,
    ) -> Admission:
        # The mark that does not fit becomes NO_UFRAG: such a check is verified each time.
        mark = ufrag_mark(ufrag) & _MARK_BITS
        return _ADMISSIONS[
            calls.check_verified(
                self._block, *key_of(client), *key_of(owner), mark, size, now, open_new
            )
        ]

    def bind(
        self, client: Address, owner: Address, epoch: int, bind: Bind, now: float
    ) -> Admission:
        owner_key = key_of(owner)
        admission = _ADMISSIONS[
            calls.bind(
                self._block,
                *key_of(client),
                *owner_key,
                epoch,
                bind.lifetime,
                bind.confirmed,
                bind.signalled,
                bind.ssrcs[0] if bind.ssrcs else calls.NO_SSRC,
                now,
            )
        ]
        if admission is Admission.ACCEPTED:
            for ssrc in bind.ssrcs[1:MAX_BIND_SSRCS]:
                calls.note_ssrc(self._block, ssrc, *owner_key, epoch, now + bind.lifetime, now)
        return admission

    def unbind(self, client: Address, owner: Address) -> None:
        calls.unbind(self._block, *key_of(client), *key_of(owner))

    def reset(self, owner: Address, epoch: int) -> None:
        calls.reset(self._block, *key_of(owner), epoch)

    def follow_ssrc(self, ssrc: int, now: float) -> Address | SsrcVerdict:
        slot, *owner = calls.follow_ssrc(self._block, ssrc, now)
        return _SSRC_VERDICTS[slot] if slot < 0 else address_of(*owner)

    def sweep(self, now: float) -> None:
        calls.sweep(self._block, now)

    def owners(self, now: float) -> Iterable[tuple[Address, int]]:
        copied = self._copy()
        counts = {
            _owner(copied, life): 0 for life in copied.lives if life["claims"] and not life["over"]
        }
        bound = copied.flows["life"][_living_bound(copied, copied.flows, now)]
        for life, flows in enumerate(np.bincount(bound).tolist()):
            if flows:
                counts[_owner(copied, copied.lives[life])] += flows
        return counts.items()

    def flows_of(self, host: str, now: float) -> list[FlowSnapshot]:
        hi, lo, _port, family = key_of((host, 0))
        copied = self._copy()
        flows = copied.flows
        of_host = (flows["hi"] == hi) & (flows["lo"] == lo) & (flows["family"] == family)
        alive = _living_bound(copied, flows, now) | _living(copied, flows, now, PROVISIONAL)
        found = _records(copied, flows[of_host & alive], now, FLOW_RECORD)
        return [*TableSnapshot(flows=found.tobytes()).each_flow()]

    def snapshot(self, now: float) -> TableSnapshot:
        copied = self._copy()
        bound = np.flatnonzero(_living_bound(copied, copied.flows, now))
        provisional = _oldest_first(copied)
        alive = provisional[_living(copied, copied.flows[provisional], now, PROVISIONAL)]
        flows = copied.flows[np.concatenate((bound, alive))]
        ssrcs = copied.ssrcs[_living(copied, copied.ssrcs, now, HELD)]
        return TableSnapshot(
            _records(copied, flows, now, FLOW_RECORD).tobytes(),
            _records(copied, ssrcs, now, SSRC_RECORD).tobytes(),
        )

    def restore(self, snapshot: TableSnapshot, now: float) -> None:
        calls.restore_flows(self._block, np.frombuffer(snapshot.flows, FLOW_RECORD), now)
        calls.restore_ssrcs(self._block, np.frombuffer(snapshot.ssrcs, SSRC_RECORD), now)

    def _copy(self) -> Table:
        """What the table holds now, to be read without keeping everyone else from it."""
        with self._held():
            used = self._header
            return self._sections._replace(
                header=self._sections.header.copy(),
                owners=self._sections.owners[: used["used_owners"]].copy(),
                lives=self._sections.lives[: used["used_lives"]].copy(),
                flows=self._sections.flows[: used["used_flows"]].copy(),
                ssrcs=self._sections.ssrcs[: used["used_ssrcs"]].copy(),
            )

    @contextmanager
    def _held(self) -> Iterator[None]:
        calls.hold(self._block)
        try:
            yield
        finally:
            calls.let_go(self._block)


def _oldest_first(table: Table) -> Any:
    """The slots of provisional flows."""
    newer = table.flows["newer"].tolist()
    slots = []
    slot = int(table.header[0]["oldest"])
    while slot != NONE:
        slots.append(slot)
        slot = newer[slot]
    return np.array(slots, np.int64)


def _living(table: Table, claims: Any, now: float, state: int) -> Any:
    """Which of some flows or SSRCs are in this state and count."""
    over = table.lives["over"][claims["life"]]
    return (claims["state"] == state) & (claims["expires"] > now) & (over == 0)


def _living_bound(table: Table, flows: Any, now: float) -> Any:
    return _living(table, flows, now, BOUND) | _living(table, flows, now, SIGNALLED)


def _owner(table: Table, life: Any) -> Address:
    owner = table.owners[life["owner"]]
    return address_of(*(int(owner[field]) for field in ("hi", "lo", "port", "family")))


def _records(table: Table, claims: Any, now: float, kind: Any) -> Any:
    """A snapshot's records of these flows or SSRCs."""
    # Whole columns: one by one, 100,000 flows keep a worker busy for seconds.
    records = np.zeros(len(claims), kind)
    for field in set(kind.names) & set(claims.dtype.names):
        records[field] = claims[field]
    lives = table.lives[claims["life"]]
    owners = table.owners[lives["owner"]]
    for field in ("hi", "lo", "port", "family"):
        records[f"owner_{field}"] = owners[field]
    records["epoch"] = lives["epoch"]
    records["seconds_left"] = claims["expires"] - now
    return records
