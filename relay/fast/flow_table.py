"""The flow table in memory that compiled code reads, for the router to use from Python.

It keeps to the rules of `relay.flow_table`, with two differences: a table remembers at
most `MAX_OWNERS` owners, and counts the bytes of a provisional flow up to 4 GiB. At 100,000
flows it takes less than 100 bytes a flow, an SSRC for each included.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind
from relay.fast import table_calls as calls
from relay.fast.client_flows import ACCEPTED, CONFLICT, FULL
from relay.fast.client_key import address_of, key_of
from relay.fast.layouts import BOUND, FREE, NONE, PROVISIONAL
from relay.fast.ssrc_table import LIMITED, UNKNOWN
from relay.fast.table import Table, new_table, sections
from relay.flows import (
    MAX_BIND_SSRCS,
    Admission,
    Flow,
    FlowSnapshot,
    FlowState,
    SsrcSnapshot,
    SsrcVerdict,
    ufrag_mark,
)

_ADMISSIONS = {
    ACCEPTED: Admission.ACCEPTED,
    CONFLICT: Admission.CONFLICT,
    FULL: Admission.FULL,
}
_STATES = {PROVISIONAL: FlowState.PROVISIONAL, BOUND: FlowState.BOUND}
_SSRC_VERDICTS = {UNKNOWN: SsrcVerdict.UNKNOWN, LIMITED: SsrcVerdict.LIMITED}
_MARK_BITS = 0xFFFFFFFF


class FastFlowTable:
    """At most `max_flows` flows, and as many SSRCs unless told otherwise."""

    def __init__(self, *, max_flows: int, max_ssrcs: int | None = None) -> None:
        ssrcs = max_flows if max_ssrcs is None else max_ssrcs
        self.memory = new_table(max_flows, ssrcs, secrets.randbits(64))
        """The table itself; it must live as long as a thread that uses it."""
        calls.make_mutex(self.memory)
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
        state, mark, *owner = calls.find(self.memory, *key_of(client), now)
        if state == FREE:
            return None
        return Flow(address_of(*owner), _STATES[state], mark)

    def received(self, client: Address, size: int) -> None:
        calls.received(self.memory, *key_of(client), size)

    def may_send(self, client: Address, size: int, now: float) -> bool:
        return calls.may_send(self.memory, *key_of(client), size, now)

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
                self.memory, *key_of(client), *key_of(owner), mark, size, now, open_new
            )
        ]

    def bind(
        self, client: Address, owner: Address, epoch: int, bind: Bind, now: float
    ) -> Admission:
        owner_key = key_of(owner)
        admission = _ADMISSIONS[
            calls.bind(
                self.memory,
                *key_of(client),
                *owner_key,
                epoch,
                bind.lifetime,
                bind.confirmed,
                now,
            )
        ]
        if admission is Admission.ACCEPTED:
            for ssrc in bind.ssrcs[:MAX_BIND_SSRCS]:
                calls.note_ssrc(self.memory, ssrc, *owner_key, epoch, now + bind.lifetime, now)
        return admission

    def unbind(self, client: Address, owner: Address) -> None:
        calls.unbind(self.memory, *key_of(client), *key_of(owner))

    def reset(self, owner: Address, epoch: int) -> None:
        calls.reset(self.memory, *key_of(owner), epoch)

    def follow_ssrc(self, ssrc: int, now: float) -> Address | SsrcVerdict:
        slot, *owner = calls.follow_ssrc(self.memory, ssrc, now)
        return _SSRC_VERDICTS[slot] if slot < 0 else address_of(*owner)

    def sweep(self, now: float) -> None:
        calls.sweep(self.memory, now)

    def owners(self, now: float) -> Iterable[tuple[Address, int]]:
        copied = self._copy()
        counts = {
            _owner(copied, life): 0 for life in copied.lives if life["claims"] and not life["over"]
        }
        for flow in copied.flows:
            if flow["state"] == BOUND and _lives(copied, flow, now):
                counts[_owner(copied, copied.lives[flow["life"]])] += 1
        return counts.items()

    def snapshot(self, now: float) -> tuple[list[FlowSnapshot], list[SsrcSnapshot]]:
        copied = self._copy()
        bound = [flow for flow in copied.flows if flow["state"] == BOUND]
        flows = [
            _flow_snapshot(copied, flow, now)
            for flow in (*bound, *_oldest_first(copied))
            if _lives(copied, flow, now)
        ]
        ssrcs = [
            _ssrc_snapshot(copied, each, now)
            for each in copied.ssrcs
            if each["state"] != FREE and _lives(copied, each, now)
        ]
        return flows, ssrcs

    def restore(
        self, flows: Iterable[FlowSnapshot], ssrcs: Iterable[SsrcSnapshot], now: float
    ) -> None:
        for flow in flows:
            calls.restore(
                self.memory,
                *key_of(flow.client),
                *key_of(flow.owner),
                flow.epoch,
                flow.state is FlowState.BOUND,
                now + flow.seconds_left,
                flow.ufrag_mark & _MARK_BITS,
                min(flow.received, _MARK_BITS),
                min(flow.sent, _MARK_BITS),
                now,
            )
        for each in ssrcs:
            calls.note_ssrc(
                self.memory,
                each.ssrc,
                *key_of(each.owner),
                each.epoch,
                now + each.seconds_left,
                now,
            )

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
        calls.hold(self.memory)
        try:
            yield
        finally:
            calls.let_go(self.memory)


def _oldest_first(table: Table) -> Iterator[Any]:
    slot = table.header[0]["oldest"]
    while slot != NONE:
        flow = table.flows[slot]
        yield flow
        slot = flow["newer"]


def _lives(table: Table, claim: Any, now: float) -> bool:
    return bool(now < claim["expires"] and not table.lives[claim["life"]]["over"])


def _counts(life: Any) -> bool:
    return bool(life["claims"] and not life["over"])


def _owner(table: Table, life: Any) -> Address:
    return _address(table.owners[life["owner"]])


def _address(record: Any) -> Address:
    return address_of(*(int(record[field]) for field in ("hi", "lo", "port", "family")))


def _flow_snapshot(table: Table, flow: Any, now: float) -> FlowSnapshot:
    life = table.lives[flow["life"]]
    return FlowSnapshot(
        client=_address(flow),
        owner=_owner(table, life),
        epoch=int(life["epoch"]),
        state=_STATES[int(flow["state"])],
        seconds_left=int(flow["expires"] - now),
        ufrag_mark=int(flow["mark"]),
        received=int(flow["received"]),
        sent=int(flow["sent"]),
    )


def _ssrc_snapshot(table: Table, ssrc: Any, now: float) -> SsrcSnapshot:
    life = table.lives[ssrc["life"]]
    return SsrcSnapshot(
        int(ssrc["ssrc"]), _owner(table, life), int(life["epoch"]), int(ssrc["expires"] - now)
    )
