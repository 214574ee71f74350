"""Which owner has which of a relay worker's extra ports, and what each port lets through.

Soft state, as the flow table is: owners ask for what they hold again and again, and by its
number at a worker that forgot. Times are seconds of one monotonic clock.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Lease
from relay.drop_reason import DropReason

NAMED_PACKETS_PER_SECOND = 300
"""From the addresses that the owner named whole, and the burst: a voice in 5 ms packets sends
200, and RTCP."""

OTHER_PACKETS_PER_SECOND = 100
"""From all others that the owner lets through, and the burst: twice what a voice sends, so that
a flood before the phone is known costs only itself, and none of the phone's packets after."""

UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104 - Anybody, not an address to bind.


@dataclass(slots=True)
class _Allowance:
    """https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm"""

    per_second: int
    whole_at: float = 0.0
    """When it is whole again."""

    def spend(self, now: float) -> bool:
        due = max(self.whole_at, now) + 1 / self.per_second
        if due - now > 1:
            return False
        self.whole_at = due
        return True


@dataclass(slots=True)
class _HeldPort:
    owner: Address
    epoch: int
    id: int
    expires_at: float
    sources: tuple[Address, ...]
    named: _Allowance = field(default_factory=lambda: _Allowance(NAMED_PACKETS_PER_SECOND))
    others: _Allowance = field(default_factory=lambda: _Allowance(OTHER_PACKETS_PER_SECOND))

    def admits(self, client: Address) -> bool:
        """Whether it may be one of the hosts whose ports are not known."""
        return any(
            not port and (host == client[0] or host in UNSPECIFIED) for host, port in self.sources
        )


@dataclass(frozen=True, slots=True)
class LeaseSnapshot:
    """One lease, to hand to another process; seconds count from the moment it was taken."""

    port: int
    owner: Address
    epoch: int
    id: int
    seconds_left: int
    sources: tuple[Address, ...]


class PortLeases:
    """The ports of one worker."""

    def __init__(self, ports: Iterable[int] = ()) -> None:
        self._free = deque(ports)
        """Those free for longest come first: what is late for a call finds nobody."""
        self._held: dict[int, _HeldPort] = {}
        self.refused = 0
        """Requests for a port that there was none for."""

    @property
    def ports(self) -> int:
        return len(self._free) + len(self._held)

    @property
    def held(self) -> int:
        """Leased ports, the expired that were not swept yet among them."""
        return len(self._held)

    def ask(
        self, owner: Address, epoch: int, lease: Lease, now: float, *, open_new: bool
    ) -> int | None:
        """The port that an owner, in its life `epoch`, has from now on, or None.

        What it holds under the same id it goes on holding, with these sources. A lease by a
        port's number is one of before a restart, and is never new.
        """
        for port, held in self._held.items():
            if (held.owner, held.id) == (owner, lease.id):
                held.epoch, held.sources = epoch, lease.sources
                held.expires_at = now + lease.lifetime
                return port
        granted = self._take_free(lease.port) if open_new or lease.port else None
        if granted is None:
            self.refused += 1
            return None
        expires_at = now + lease.lifetime
        self._held[granted] = _HeldPort(owner, epoch, lease.id, expires_at, lease.sources)
        return granted

    def release(self, owner: Address, id_: int) -> None:
        """An owner gives a lease back; nothing happens when it has none of this id."""
        self._free_where(lambda held: (held.owner, held.id) == (owner, id_))

    def reset(self, owner: Address, epoch: int) -> None:
        """What lives of `owner` other than `epoch` leased is free."""
        self._free_where(lambda held: held.owner == owner and held.epoch != epoch)

    def sweep(self, now: float) -> None:
        """Free what expired; call about once a second."""
        self._free_where(lambda held: now >= held.expires_at)

    def owner_for(self, port: int, client: Address, now: float) -> Address | DropReason:
        """Who gets a datagram that came to `port`, which uses up one of the source's allowance."""
        held = self._held.get(port)
        if held is None or now >= held.expires_at:
            return DropReason.PORT_NOT_LEASED
        if client in held.sources:
            allowed = held.named.spend(now)
        elif held.admits(client):
            allowed = held.others.spend(now)
        else:
            return DropReason.PORT_SOURCE
        return held.owner if allowed else DropReason.PORT_RATE

    def why_not_send(
        self, port: int, owner: Address, client: Address, now: float
    ) -> DropReason | None:
        """Why `owner` may not send from `port` to `client`, if it may not."""
        held = self._held.get(port)
        if held is None or held.owner != owner or now >= held.expires_at:
            return DropReason.PORT_NOT_HELD
        if client not in held.sources or not client[1]:
            return DropReason.PORT_DESTINATION
        return None

    def snapshot(self, now: float) -> list[LeaseSnapshot]:
        """Everything that lives, for a successor."""
        return [
            LeaseSnapshot(
                port, held.owner, held.epoch, held.id, int(held.expires_at - now), held.sources
            )
            for port, held in self._held.items()
            if now < held.expires_at
        ]

    def restore(self, leases: Iterable[LeaseSnapshot], now: float) -> None:
        """Take over those of a predecessor's leases whose ports are here and free."""
        for each in leases:
            if each.port in self._free:
                self._free.remove(each.port)
                self._held[each.port] = _HeldPort(
                    each.owner, each.epoch, each.id, now + each.seconds_left, each.sources
                )

    def _take_free(self, port: int) -> int | None:
        """This port, or any for 0."""
        if not port:
            return self._free.popleft() if self._free else None
        if port not in self._free:
            return None
        self._free.remove(port)
        return port

    def _free_where(self, over: Callable[[_HeldPort], bool]) -> None:
        for port in [port for port, held in self._held.items() if over(held)]:
            del self._held[port]
            self._free.append(port)
