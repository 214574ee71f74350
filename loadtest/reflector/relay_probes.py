"""The relay workers that a reflector knows, and which life each of them is in.

Only the answer to a probe is believed about a relay worker's epoch and siblings: a datagram
recorded in an earlier life is none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Hello

PROBE_S = 0.05
PATIENCE_S = 5.0
SLOW_PROBE_S = 0.2
"""Of one silent for longer than PATIENCE_S: shorter than a relay worker that starts serves its
tunnel alone."""
FORGET_S = 60.0
TELL_AGAIN_S = (0.2, 1.0)
"""How long after everything was told it is told once more: some of it may have been lost."""
MAX_OUTSTANDING = 64
MAX_WORKERS = 64


@dataclass(slots=True)
class _Worker:
    heard_at: float
    probe_at: float
    named: bool
    """By the operator: never forgotten."""
    epoch: int | None = None
    tell_again: list[float] = field(default_factory=list)
    nonces: dict[int, None] = field(default_factory=dict)
    """Of probes without an answer, oldest first."""


class RelayProbes:
    """Says whom to probe, and who is to be told everything."""

    def __init__(self, named: Iterable[Address], nonce: Callable[[], int], now: float) -> None:
        """`nonce` draws 64 unpredictable bits."""
        self._nonce = nonce
        self._workers = {address: _Worker(now, now, named=True) for address in named}

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def answering(self) -> list[Address]:
        """Those that have answered a probe."""
        return [address for address, worker in self._workers.items() if worker.epoch is not None]

    def heard(self, address: Address, epoch: int, now: float) -> None:
        """A datagram that verified came from there; an unknown life is probed at once."""
        worker = self._learn(address, now)
        if worker is None:
            return
        if worker.epoch == epoch:
            worker.heard_at = now
        else:
            worker.probe_at = min(worker.probe_at, now)

    def hello(self, address: Address, epoch: int, hello: Hello, now: float) -> bool:
        """Whether its sender knows nothing, and is to be told everything now."""
        worker = self._workers.get(address)
        if worker is None or hello.nonce not in worker.nonces:
            return False
        worker.nonces.clear()
        for sibling in hello.siblings:
            self._learn(sibling, now)
        known, worker.epoch, worker.heard_at = worker.epoch, epoch, now
        if known != epoch:
            worker.tell_again = [now + pause for pause in TELL_AGAIN_S]
            return True
        return False

    def due_probes(self, now: float) -> list[tuple[Address, int, bool]]:
        """Address and nonce of each, and whether its epoch is unknown: RESET goes with those."""
        self._forget(now)
        due = [(a, worker) for a, worker in self._workers.items() if worker.probe_at <= now]
        return [
            (address, self._probe(worker, now), worker.epoch is None) for address, worker in due
        ]

    def due_again(self, now: float) -> list[Address]:
        """Those to be told everything once more."""
        due = []
        for address, worker in self._workers.items():
            if worker.tell_again and worker.tell_again[0] <= now:
                del worker.tell_again[0]
                due.append(address)
        return due

    def _probe(self, worker: _Worker, now: float) -> int:
        nonce = self._nonce() or 1
        worker.nonces[nonce] = None
        if len(worker.nonces) > MAX_OUTSTANDING:
            del worker.nonces[next(iter(worker.nonces))]
        patient = now - worker.heard_at > PATIENCE_S
        worker.probe_at = now + (SLOW_PROBE_S if patient else PROBE_S)
        return nonce

    def _learn(self, address: Address, now: float) -> _Worker | None:
        worker = self._workers.get(address)
        if worker is None and len(self._workers) < MAX_WORKERS:
            worker = self._workers[address] = _Worker(now, now, named=False)
        return worker

    def _forget(self, now: float) -> None:
        for address, worker in list(self._workers.items()):
            if not worker.named and now - worker.heard_at > FORGET_S:
                del self._workers[address]
