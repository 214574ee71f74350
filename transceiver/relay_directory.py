"""The relay workers that this worker knows, and which of them answer.

Whoever sends a tunnel datagram of the cluster is known, and so are the siblings that it
names. Each is probed with a HELLO. Only the answer to a probe is believed about a relay
worker's epoch and siblings: a datagram that was recorded in an earlier life is not one.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import partial

from antiphon_proto.address import Address, encode_address
from antiphon_proto.tunnel_control import Hello

PROBE_INTERVAL_S = 0.05
PROBES_PER_S = 2000
"""What all probes together may reach; beyond it their interval grows."""

MISSED_PROBES = 3
"""So many probes without a sign of life say that a relay worker is gone."""

ESTRANGED_S = 2.0
"""A relay worker silent for longer has missed changes and their repetitions: it is told none
until it returns, and then everything."""

PATIENCE_S = 5.0
"""One silent for longer is probed slowly."""

SLOW_PROBE_INTERVAL_S = 0.2
"""Shorter than a relay worker that starts serves its tunnel alone, so that one that was away
for long, too, knows the bindings before it reads what clients send."""

REMOTE_PROBE_INTERVAL_S = 0.2
"""One of another cluster is probed so often, always: through a relay of this one."""

FORGET_S = 60.0
"""A relay worker silent for longer is forgotten."""

RETRY_S = 0.01
"""The soonest that a probe follows another when datagrams of an unknown epoch ask for it."""

TELL_AGAIN_S = (0.2, 1.0)
"""How long after a relay worker was told everything it is told once more: that is many datagrams
at a time when it has much to do, and whoever one of them was about is not served."""

MAX_RELAYS = 256
MAX_OUTSTANDING = 64
"""Probes of one relay worker whose answers are still recognised."""

_BROADCAST = ipaddress.ip_address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Probe:
    """A HELLO to send."""

    relay: Address
    nonce: int
    introduce: bool
    """The relay worker has not answered in this epoch of its own: it may know another life
    of ours, so RESET goes with the HELLO."""


@dataclass(slots=True)
class _Relay:
    """`heard_at` is when it became known, until it is heard from."""

    heard_at: float
    probe_at: float
    probed_at: float = float("-inf")
    heard: bool = False
    remote: bool = False
    """It is of another cluster, and reached through a relay worker of this one."""
    epoch: int | None = None
    """The epoch of its last answer."""
    estranged: bool = False
    """It was silent for so long that changes were not sent to it."""
    unanswered: int = 0
    said: tuple[Address, ...] = ()
    """The siblings that it named last."""
    siblings: tuple[Address, ...] = ()
    """Those of them that can be sent to."""
    tell_again: list[float] = field(default_factory=list)
    """When it is to be told everything again, in order."""
    outstanding: dict[int, float] = field(default_factory=dict)
    """When each probe that has no answer yet was sent, by nonce, oldest first."""

    @property
    def answering(self) -> bool:
        return self.epoch is not None and self.unanswered <= MISSED_PROBES

    def must_be_told(self, *, missed_all: bool, now: float) -> bool:
        """Whether it is time to tell it everything, for it missed all or may have missed some."""
        if missed_all:
            self.tell_again = [now + pause for pause in TELL_AGAIN_S]
            return True
        if self.tell_again and now >= self.tell_again[0]:
            del self.tell_again[0]
            return True
        return False

    def probe(self, nonce: int, interval: float, now: float) -> None:
        self.outstanding[nonce] = now
        if len(self.outstanding) > MAX_OUTSTANDING:
            del self.outstanding[next(iter(self.outstanding))]
        self.unanswered += 1
        self.probed_at = now
        due = self.probe_at + interval
        self.probe_at = due if due > now else now + interval

    def take(self, nonce: int) -> float | None:
        """When the probe that an answer names was sent; it and older ones are settled."""
        sent = self.outstanding.get(nonce)
        if sent is not None:
            for older in list(self.outstanding):
                del self.outstanding[older]
                if older == nonce:
                    break
        return sent


class RelayDirectory:
    """Relay workers by tunnel address: epoch, siblings, and whether they answer."""

    def __init__(
        self, own: Address, nonce: Callable[[], int], observe: Callable[[float], None]
    ) -> None:
        """`nonce` draws 64 unpredictable bits; `observe` takes the round trip of each probe within
        the cluster, in seconds."""
        self._own = own
        self._nonce = nonce
        self._observe = observe
        self._relays: dict[Address, _Relay] = {}
        self._due_at = float("inf")

    def __len__(self) -> int:
        """The relay workers known."""
        return len(self._relays)

    @property
    def answering_count(self) -> int:
        return sum(relay.answering for relay in self._relays.values())

    def answering(self, relay: Address) -> bool:
        """Whether it answered, and has not missed several probes since."""
        known = self._relays.get(relay)
        return known is not None and known.answering

    def listening(self, *, remote: bool = False) -> list[Address]:
        """The relay workers to tell of changes: heard from, and not silent for long; of this
        cluster, or the `remote` ones."""
        return [
            address
            for address, relay in self._relays.items()
            if relay.heard and not relay.estranged and relay.remote is remote
        ]

    def answering_relays(self) -> list[Address]:
        """The relay workers of this cluster that answer."""
        return [a for a, relay in self._relays.items() if relay.answering and not relay.remote]

    def is_remote(self, relay: Address) -> bool:
        """Whether it is one of another cluster."""
        known = self._relays.get(relay)
        return known is not None and known.remote

    def siblings(self, relay: Address) -> tuple[Address, ...]:
        """Those that it named."""
        known = self._relays.get(relay)
        return () if known is None else known.siblings

    def forget_remote(self, used: Container[Address]) -> None:
        """Forget the relay workers of other clusters that are not among these."""
        unused = [a for a, relay in self._relays.items() if relay.remote and a not in used]
        for address in unused:
            del self._relays[address]

    def relay_for(self, client: Address) -> Address | None:
        """A relay worker for a client that nothing came from yet; None where none answers.

        The same for as long as the same ones answer: https://en.wikipedia.org/wiki/Rendezvous_hashing
        """
        encoded = encode_address(client)
        return max(
            self.answering_relays(),
            key=partial(blended, encoded),
            default=None,
        )

    def introduce(self, relays: Iterable[Address], now: float) -> None:
        """Probe these, too: relay workers that an operator named."""
        self._learn(self._usable(relays), now)

    def route(self, relay: Address) -> Address:
        """`relay`, or a sibling that answers where it does not: they serve the same clients."""
        known = self._relays.get(relay)
        if known is None or known.unanswered <= MISSED_PROBES:
            return relay
        return next(filter(self.answering, known.siblings), relay)

    def heard(self, relay: Address, epoch: int, now: float, *, remote: bool = False) -> None:
        """A datagram of `relay` was verified. One of an unknown epoch has it probed at once."""
        known = self._relays.get(relay)
        if known is None:
            known = self._admit(relay, now)
        known.remote = remote
        if known.epoch == epoch:
            known.unanswered = 0
            known.heard_at = now
            return
        known.heard = True
        known.probe_at = min(known.probe_at, max(now, known.probed_at + RETRY_S))
        self._due_at = min(self._due_at, known.probe_at)

    def hello(self, relay: Address, epoch: int, hello: Hello, now: float) -> bool:
        """A HELLO of `relay`. True when the relay worker must be told everything.

        One that answers no probe of ours changes nothing.
        """
        known = self._relays.get(relay)
        sent = known.take(hello.nonce) if known is not None else None
        if known is None or sent is None:
            return False
        if not known.remote:
            self._observe(now - sent)
        missed_all = known.estranged or known.epoch != epoch
        known.heard, known.estranged = True, False
        known.epoch, known.unanswered, known.heard_at = epoch, 0, now
        if known.said != hello.siblings:
            known.said, known.siblings = hello.siblings, tuple(self._usable(hello.siblings))
        self._learn(known.siblings, now, remote=known.remote)
        return known.must_be_told(missed_all=missed_all, now=now)

    @property
    def due_at(self) -> float:
        """When `tick` has something to do; infinity while no relay worker is known."""
        return self._due_at

    def tick(self, now: float) -> list[Probe]:
        """The probes due. Call it at `due_at`, which `heard` may bring forward."""
        if now < self._due_at:
            return []
        self._forget_silent(now)
        interval = max(PROBE_INTERVAL_S, len(self._relays) / PROBES_PER_S)
        probes = [
            self._probe(address, relay, interval, now)
            for address, relay in self._relays.items()
            if relay.probe_at <= now
        ]
        self._due_at = min((r.probe_at for r in self._relays.values()), default=float("inf"))
        return probes

    def _probe(self, address: Address, relay: _Relay, interval: float, now: float) -> Probe:
        silence = now - relay.heard_at
        if silence > ESTRANGED_S:
            relay.estranged = True
        if relay.remote:
            interval = max(interval, REMOTE_PROBE_INTERVAL_S)
        if silence > PATIENCE_S:
            interval = max(interval, SLOW_PROBE_INTERVAL_S)
        nonce = self._nonce() or 1
        relay.probe(nonce, interval, now)
        return Probe(address, nonce, introduce=relay.epoch is None or relay.estranged)

    def _forget_silent(self, now: float) -> None:
        silent = [a for a, relay in self._relays.items() if now - relay.heard_at > FORGET_S]
        for address in silent:
            del self._relays[address]

    def _admit(self, address: Address, now: float) -> _Relay:
        """Make room by the one silent for longest, those that never answered a probe first."""
        if len(self._relays) >= MAX_RELAYS:
            del self._relays[min(self._relays, key=self._worth)]
        relay = self._relays[address] = _Relay(heard_at=now, probe_at=now)
        return relay

    def _worth(self, address: Address) -> tuple[bool, bool, float]:
        relay = self._relays[address]
        return relay.epoch is not None, relay.heard, relay.heard_at

    def _learn(self, siblings: Iterable[Address], now: float, *, remote: bool = False) -> None:
        """Probe siblings not known yet; hearsay displaces nobody."""
        for sibling in siblings:
            if sibling not in self._relays and len(self._relays) < MAX_RELAYS:
                self._admit(sibling, now).remote = remote
                self._due_at = now

    def _usable(self, siblings: Iterable[Address]) -> Iterable[Address]:
        family = ipaddress.ip_address(self._own[0]).version
        for address in dict.fromkeys(siblings):
            host = ipaddress.ip_address(address[0])
            nobody = host.is_multicast or host.is_unspecified or host == _BROADCAST
            if host.version == family and not nobody and address[1] and address != self._own:
                yield address


def blended(key: bytes, relay: Address) -> bytes:
    """By these every key has an order of relay workers of its own."""
    return hashlib.blake2b(key + encode_address(relay), digest_size=8).digest()
