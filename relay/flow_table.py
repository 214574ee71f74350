"""Which owner the datagrams of a client's address go to.

Soft state: every flow is rebuilt by the client's next connectivity check, so
the table may forget one whenever it must.
"""

from collections import OrderedDict
from dataclasses import dataclass

from antiphon_proto.address import Address
from antiphon_proto.tunnel import TunnelSender

EXPIRED_PER_SWEEP = 1000
"""Bounds the time of one sweep to well under a millisecond."""


@dataclass(slots=True)
class Flow:
    """Where a client's datagrams go; `refreshed_at` is when the client last sent one."""

    owner: Address
    sender: TunnelSender
    refreshed_at: float


class FlowTable:
    """At most `max_flows` flows, each kept until its client was silent for `idle_seconds`.

    A full table gives up the flow that was silent longest rather than refuse a
    new one. A client with valid credentials can send checks from forged source
    addresses; those entries stay silent, while one that carries a call is
    refreshed by every packet, so a flood evicts itself.

    A flow takes about 400 bytes, so a full table of 200 000 takes 80 MB.
    """

    def __init__(self, *, max_flows: int, idle_seconds: float) -> None:
        self._max_flows = max_flows
        self._idle_seconds = idle_seconds
        # Ordered by `refreshed_at`: the next to expire or evict is the first.
        self._flows: OrderedDict[Address, Flow] = OrderedDict()
        self.evictions = 0
        """Flows given up because the table was full."""

    def __len__(self) -> int:
        return len(self._flows)

    def find(self, client: Address, now: float) -> Flow | None:
        """The live flow of `client`, refreshed; None when there is none."""
        flow = self._flows.get(client)
        if flow is None:
            return None
        if self._is_idle(flow, now):
            del self._flows[client]
            return None
        flow.refreshed_at = now
        self._flows.move_to_end(client)
        return flow

    def point(self, client: Address, owner: Address, sender: TunnelSender, now: float) -> Flow:
        """Make `owner` the one that `client` talks to, in place of any before it."""
        flow = self._flows[client] = Flow(owner, sender, now)
        self._flows.move_to_end(client)
        if len(self._flows) > self._max_flows:
            self._flows.popitem(last=False)
            self.evictions += 1
        return flow

    def sweep(self, now: float) -> None:
        """Forget the idle flows, at most `EXPIRED_PER_SWEEP` of them."""
        for _ in range(EXPIRED_PER_SWEEP):
            oldest = next(iter(self._flows.items()), None)
            if oldest is None or not self._is_idle(oldest[1], now):
                return
            del self._flows[oldest[0]]

    def _is_idle(self, flow: Flow, now: float) -> bool:
        return now - flow.refreshed_at > self._idle_seconds
