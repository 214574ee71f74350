"""The relay workers of other clusters: which of them answer, and by which an owner is reached.

A core: the caller sends the probes, hands in the answers, and says what the time is, in
seconds of one monotonic clock.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from antiphon_proto.address import Address, encode_address, family_of
from antiphon_proto.tunnel_control import MAX_SIBLINGS, Probe, Probed
from relay.remote_owner import cluster_of

PROBE_INTERVAL_S = 0.1
PROBES_PER_S = 500
"""What all probes of a worker together may reach; beyond it their interval grows."""

MISSED_PROBES = 3
"""So many probes without an answer say that a relay worker is gone."""

FORGET_S = 60.0
"""A relay worker that only a sibling named, and that is silent for longer, is forgotten."""

MAX_RELAYS_A_CLUSTER = 64
MAX_OUTSTANDING = 32
"""Probes of one relay worker whose answers are still recognised: at most of 3.2 s."""


@dataclass(slots=True)
class _Relay:
    cluster: int
    named: bool
    """Whether the operator named it, not a sibling."""
    heard_at: float
    """When it became known, until it answered."""
    answered: bool = False
    unanswered: int = 0
    outstanding: dict[int, None] = field(default_factory=dict)
    """Nonces of its probes, oldest first."""

    @property
    def answering(self) -> bool:
        return self.answered and self.unanswered <= MISSED_PROBES


class RemoteClusters:
    """Of one relay worker."""

    def __init__(
        self,
        own_cluster: int,
        own: Address,
        nonce: Callable[[], int],
        *,
        clusters: frozenset[int],
        siblings: tuple[Address, ...] = (),
    ) -> None:
        """`clusters` are those that the operator named. `own` is what other clusters call this
        worker, and `siblings` are so called the other ones of its process group; `nonce` draws
        64 unpredictable bits."""
        self.own_cluster = own_cluster
        self.own = own
        self.siblings = siblings
        self.version = 0
        """Grows whenever another gateway may be the right one."""
        self._nonce = nonce
        self._clusters = clusters - {own_cluster}
        self._peers: tuple[Address, ...] = ()
        self._relays: dict[Address, _Relay] = {}
        self._asked: dict[int, Address] = {}
        self._gateways: dict[Address, Address | None] = {}
        self.due_at = float("-inf")
        """When the next probes are due."""

    def name(self, found: Mapping[int, Iterable[Address]], now: float) -> None:
        """Take where relays of each cluster are; those of the own one are `stand_ins`.

        A relay that is not found any more is known for as long as it answers.
        """
        for relay in self._relays.values():
            relay.named = False
        for cluster, addresses in found.items():
            if cluster == self.own_cluster:
                self._peers = tuple(self._usable(addresses))
            else:
                self._learn(cluster, addresses, now, named=True)

    @property
    def stand_ins(self) -> tuple[Address, ...]:
        """What clients of this worker may come through as well, as other clusters call it: its
        siblings, and the other relays of its cluster where the operator named them."""
        return tuple(dict.fromkeys((*self.siblings, *self._peers)))[:MAX_SIBLINGS]

    def knows(self, cluster: int) -> bool:
        """Whether the operator named the cluster, and it is another one."""
        return cluster in self._clusters

    def gateway(self, owner: Address) -> Address | None:
        """The relay worker by which an owner, written with its cluster, is reached.

        One that answers; else one that did, which may yet drain; else any, which may not have
        been asked yet; None where none is known.
        https://en.wikipedia.org/wiki/Rendezvous_hashing
        """
        if owner not in self._gateways:
            if len(self._gateways) >= _MOST_GATEWAYS:
                self._gateways.clear()
            self._gateways[owner] = self._choose(owner)
        return self._gateways[owner]

    def counts(self) -> Iterator[tuple[int, int, int]]:
        """Of each other cluster, the relay workers known and those of them that answer."""
        for cluster in sorted(self._clusters):
            relays = [each for each in self._relays.values() if each.cluster == cluster]
            yield cluster, len(relays), sum(each.answering for each in relays)

    def due(self, now: float) -> list[tuple[Address, Probe]]:
        """The probes to send; call it about every `PROBE_INTERVAL_S`."""
        if now < self.due_at:
            return []
        self.due_at = now + max(PROBE_INTERVAL_S, len(self._relays) / PROBES_PER_S)
        self._forget_silent(now)
        return [(address, self._probe(address, relay)) for address, relay in self._relays.items()]

    def probed(self, answer: Probed, now: float) -> None:
        """An answer; one to no probe of ours changes nothing."""
        address = self._asked.get(answer.nonce)
        relay = self._relays.get(address) if address is not None else None
        if relay is None:
            return
        if not relay.answering:
            self._changed()
        self._settle(relay, answer.nonce)
        relay.answered, relay.unanswered, relay.heard_at = True, 0, now
        self._learn(relay.cluster, answer.siblings, now, named=False)

    def _choose(self, owner: Address) -> Address | None:
        address, cluster = cluster_of(owner)
        of_cluster = {a: each for a, each in self._relays.items() if each.cluster == cluster}
        answering = [relay for relay, known in of_cluster.items() if known.answering]
        answered = [relay for relay, known in of_cluster.items() if known.answered]
        weight = partial(_weight, encode_address(address))
        return max(answering or answered or of_cluster, key=weight, default=None)

    def _probe(self, address: Address, relay: _Relay) -> Probe:
        probe = Probe(self._nonce(), relay.cluster)
        if len(relay.outstanding) >= MAX_OUTSTANDING:
            self._settle(relay, next(iter(relay.outstanding)))
        relay.outstanding[probe.nonce] = None
        self._asked[probe.nonce] = address
        was_answering = relay.answering
        relay.unanswered += 1
        if was_answering and not relay.answering:
            self._changed()
        return probe

    def _settle(self, relay: _Relay, nonce: int) -> None:
        """A probe, and those before it, need no answer any more."""
        for older in list(relay.outstanding):
            del relay.outstanding[older]
            del self._asked[older]
            if older == nonce:
                return

    def _learn(
        self, cluster: int, addresses: Iterable[Address], now: float, *, named: bool
    ) -> None:
        for address in self._usable(addresses):
            known = self._relays.get(address)
            if known is None:
                if self._count(cluster) < MAX_RELAYS_A_CLUSTER:
                    self._relays[address] = _Relay(cluster, named, now)
                    self._changed()
            elif named:
                known.named = True
                if known.cluster != cluster:
                    known.cluster = cluster
                    self._changed()

    def _count(self, cluster: int) -> int:
        return sum(relay.cluster == cluster for relay in self._relays.values())

    def _usable(self, addresses: Iterable[Address]) -> Iterator[Address]:
        for address in dict.fromkeys(addresses):
            same_family = family_of(address[0]) == family_of(self.own[0])
            if same_family and address[1] and address != self.own:
                yield address

    def _forget_silent(self, now: float) -> None:
        silent = [
            address
            for address, relay in self._relays.items()
            if not relay.named and not relay.answering and now - relay.heard_at > FORGET_S
        ]
        for address in silent:
            relay = self._relays.pop(address)
            for nonce in relay.outstanding:
                del self._asked[nonce]
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._gateways.clear()


_MOST_GATEWAYS = 4096


def _weight(owner: bytes, relay: Address) -> bytes:
    """By these every owner has an order of relay workers of its own."""
    return hashlib.blake2b(owner + encode_address(relay), digest_size=8).digest()
