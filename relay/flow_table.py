"""The flow table in plain Python: the readable reference of `flows.Flows`.

Soft state: owners announce their bindings again to a relay that lost them, and
an authenticated check opens a flow, so the table may forget one whenever it must.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from weakref import WeakValueDictionary

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind
from relay.flows import (
    AMPLIFICATION_LIMIT,
    MAX_BIND_SSRCS,
    NO_EPOCH,
    NO_UFRAG,
    PROVISIONAL_SECONDS,
    REBINDING_CREDIT,
    SSRC_PACKETS_PER_SECOND,
    Admission,
    Flow,
    FlowSnapshot,
    FlowState,
    SsrcSnapshot,
    SsrcVerdict,
    ufrag_mark,
)
from relay.table_snapshot import TableSnapshot

SWEPT_AT_ONCE = 1000
"""Bounds the time of one sweep to about a millisecond."""

_SECOND_NS = 1_000_000_000


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Life:
    """One life of an owner; `over` voids all that it bound."""

    owner: Address
    epoch: int
    over: bool = False


@dataclass(slots=True)
class _Claim:
    """What an owner claims, until a time."""

    life: _Life
    expires_at: float

    def lives(self, now: float) -> bool:
        return now < self.expires_at and not self.life.over


@dataclass(slots=True)
class _Entry(_Claim):
    """A client's address."""

    state: FlowState
    ufrag_mark: int = NO_UFRAG
    received: int = 0
    sent: int = 0

    @property
    def bound(self) -> bool:
        return self.state is not FlowState.PROVISIONAL


@dataclass(slots=True)
class _Ssrc(_Claim):
    """An RTP source."""

    due: int = 0
    """When its allowance is whole again, in nanoseconds: a packet moves that by one packet's
    time. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm"""


KeyT = TypeVar("KeyT")
ClaimT = TypeVar("ClaimT", bound=_Claim)


class FlowTable:
    """At most `max_flows` flows, and as many SSRCs unless told otherwise."""

    def __init__(self, *, max_flows: int, max_ssrcs: int | None = None) -> None:
        self._max_flows = max_flows
        self._max_ssrcs = max_flows if max_ssrcs is None else max_ssrcs
        # Two tables, so that the provisional flow that is oldest is its table's first.
        self._bound: OrderedDict[Address, _Entry] = OrderedDict()
        self._provisional: OrderedDict[Address, _Entry] = OrderedDict()
        self._ssrcs: OrderedDict[int, _Ssrc] = OrderedDict()
        # Forgotten with the last entry that refers to it.
        self._lives: WeakValueDictionary[tuple[Address, int], _Life] = WeakValueDictionary()
        self.evictions = 0

    @property
    def bound(self) -> int:
        return len(self._bound)

    @property
    def provisional(self) -> int:
        return len(self._provisional)

    @property
    def ssrcs(self) -> int:
        return len(self._ssrcs)

    def find(self, client: Address, now: float) -> Flow | None:
        entry = self._live(client, now)
        return None if entry is None else Flow(entry.life.owner, entry.state, entry.ufrag_mark)

    def received(self, client: Address, size: int) -> None:
        entry = self._provisional.get(client)
        if entry is not None:
            entry.received += size

    def may_send(self, client: Address, size: int, now: float) -> bool:
        entry = self._live(client, now)
        if entry is None or entry.bound:
            return True
        if entry.sent + size > AMPLIFICATION_LIMIT * entry.received:
            return False
        entry.sent += size
        return True

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
        entry = self._live(client, now)
        if entry is None:
            if not open_new or not self._make_room():
                return Admission.FULL
            entry = self._open(client, self._life(owner, NO_EPOCH))
        elif entry.bound:
            if entry.life.owner != owner:
                return Admission.CONFLICT
            entry.ufrag_mark = ufrag_mark(ufrag)
            return Admission.ACCEPTED
        elif entry.life.owner != owner:
            entry.life = self._life(owner, NO_EPOCH)
        entry.ufrag_mark = ufrag_mark(ufrag)
        entry.expires_at = now + PROVISIONAL_SECONDS
        entry.received += size
        return Admission.ACCEPTED

    def bind(
        self, client: Address, owner: Address, epoch: int, bind: Bind, now: float
    ) -> Admission:
        entry = self._live(client, now)
        if entry is None and not self._make_room():
            return Admission.FULL
        if _is_anothers(entry, owner, bind):
            return Admission.CONFLICT
        held = entry.state if entry is not None and entry.life.owner == owner else None
        life = self._life(owner, epoch)
        if bind.confirmed or held is FlowState.BOUND:
            self._bind(client, entry, life, now + bind.lifetime, FlowState.BOUND)
        elif bind.signalled or held is FlowState.SIGNALLED:
            self._bind(client, entry, life, now + bind.lifetime, FlowState.SIGNALLED)
        else:
            self._vouch(client, entry, life, now)
        self._note_ssrcs(bind.ssrcs[:MAX_BIND_SSRCS], life, now, bind.lifetime)
        return Admission.ACCEPTED

    def unbind(self, client: Address, owner: Address) -> None:
        for table in (self._bound, self._provisional):
            entry = table.get(client)
            if entry is not None and entry.life.owner == owner:
                del table[client]

    def reset(self, owner: Address, epoch: int) -> None:
        for life in list(self._lives.values()):
            if life.owner == owner and life.epoch not in (epoch, NO_EPOCH):
                life.over = True

    def follow_ssrc(self, ssrc: int, now: float) -> Address | SsrcVerdict:
        entry = self._ssrcs.get(ssrc)
        if entry is None or not entry.lives(now):
            return SsrcVerdict.UNKNOWN
        now_ns = round(now * _SECOND_NS)
        due = max(entry.due, now_ns) + _SECOND_NS // SSRC_PACKETS_PER_SECOND
        if due - now_ns > _SECOND_NS:
            return SsrcVerdict.LIMITED
        entry.due = due
        return entry.life.owner

    def sweep(self, now: float) -> None:
        while self._provisional:
            client, entry = next(iter(self._provisional.items()))
            if entry.lives(now):
                break
            del self._provisional[client]
        _sweep(self._bound, now)
        _sweep(self._ssrcs, now)

    def owners(self, now: float) -> Iterable[tuple[Address, int]]:
        bound = Counter({life.owner: 0 for life in self._lives.values() if not life.over})
        bound.update(each.life.owner for each in self._bound.values() if each.lives(now))
        return bound.items()

    def flows_of(self, host: str, now: float) -> list[FlowSnapshot]:
        return [
            _snapshot(client, entry, now)
            for table in (self._bound, self._provisional)
            for client, entry in table.items()
            if client[0] == host and entry.lives(now)
        ]

    def snapshot(self, now: float) -> TableSnapshot:
        flows = [
            _snapshot(client, entry, now)
            for table in (self._bound, self._provisional)
            for client, entry in table.items()
            if entry.lives(now)
        ]
        ssrcs = [
            SsrcSnapshot(ssrc, each.life.owner, each.life.epoch, int(each.expires_at - now))
            for ssrc, each in self._ssrcs.items()
            if each.lives(now)
        ]
        return TableSnapshot.of(flows, ssrcs)

    def restore(self, snapshot: TableSnapshot, now: float) -> None:
        for flow in snapshot.each_flow():
            if self._live(flow.client, now) is not None or not self._make_room():
                continue
            entry = self._open(flow.client, self._life(flow.owner, flow.epoch))
            entry.expires_at = now + flow.seconds_left
            entry.ufrag_mark = flow.ufrag_mark
            entry.received, entry.sent = flow.received, flow.sent
            if flow.state is not FlowState.PROVISIONAL:
                self._bind(flow.client, entry, entry.life, entry.expires_at, flow.state)
        for each in snapshot.each_ssrc():
            self._note_ssrcs(
                (each.ssrc,), self._life(each.owner, each.epoch), now, each.seconds_left
            )

    def _live(self, client: Address, now: float) -> _Entry | None:
        entry = self._bound.get(client) or self._provisional.get(client)
        if entry is None or entry.lives(now):
            return entry
        self._table(entry).pop(client)
        return None

    def _table(self, entry: _Entry) -> OrderedDict[Address, _Entry]:
        return self._bound if entry.bound else self._provisional

    def _make_room(self) -> bool:
        """Have room for one more flow, for which the oldest provisional one may have to go."""
        if len(self._bound) + len(self._provisional) < self._max_flows:
            return True
        if not self._provisional:
            return False
        self._provisional.popitem(last=False)
        self.evictions += 1
        return True

    def _open(self, client: Address, life: _Life) -> _Entry:
        entry = self._provisional[client] = _Entry(life, 0.0, FlowState.PROVISIONAL)
        return entry

    def _bind(
        self,
        client: Address,
        entry: _Entry | None,
        life: _Life,
        expires_at: float,
        state: FlowState,
    ) -> None:
        self._provisional.pop(client, None)
        kept = entry is not None and entry.life.owner == life.owner
        mark = entry.ufrag_mark if entry is not None and kept else NO_UFRAG
        self._bound[client] = _Entry(life, expires_at, state, mark)

    def _vouch(self, client: Address, entry: _Entry | None, life: _Life, now: float) -> None:
        """An owner is checking an address from which it got authenticated media."""
        if entry is None:
            entry = self._open(client, life)
        elif entry.life.owner != life.owner:
            entry.ufrag_mark = NO_UFRAG
        entry.life = life
        entry.expires_at = now + PROVISIONAL_SECONDS
        entry.received = max(entry.received, REBINDING_CREDIT)

    def _note_ssrcs(self, ssrcs: Iterable[int], life: _Life, now: float, lifetime: float) -> None:
        for ssrc in ssrcs:
            entry = self._ssrcs.get(ssrc)
            if entry is not None and entry.lives(now):
                if entry.life.owner == life.owner:
                    entry.life, entry.expires_at = life, now + lifetime
            elif entry is not None or len(self._ssrcs) < self._max_ssrcs:
                self._ssrcs[ssrc] = _Ssrc(life, now + lifetime)

    def _life(self, owner: Address, epoch: int) -> _Life:
        life = self._lives.get((owner, epoch))
        if life is None or life.over:
            # What is claimed after a reset counts, however late what was claimed before goes.
            life = self._lives[owner, epoch] = _Life(owner, epoch)
        return life


def _is_anothers(entry: _Entry | None, owner: Address, bind: Bind) -> bool:
    """Whether a live flow is not for this owner to take by this binding."""
    if entry is None or not entry.bound or entry.life.owner == owner:
        return False
    return entry.state is FlowState.BOUND or not bind.confirmed


def _snapshot(client: Address, entry: _Entry, now: float) -> FlowSnapshot:
    return FlowSnapshot(
        client=client,
        owner=entry.life.owner,
        epoch=entry.life.epoch,
        state=entry.state,
        seconds_left=int(entry.expires_at - now),
        ufrag_mark=entry.ufrag_mark,
        received=entry.received,
        sent=entry.sent,
    )


def _sweep(table: OrderedDict[KeyT, ClaimT], now: float) -> None:
    """Look at the claims that were looked at longest ago; drop those that ended."""
    for key, claim in list(islice(table.items(), SWEPT_AT_ONCE)):
        if claim.lives(now):
            table.move_to_end(key)
        else:
            del table[key]
