"""Which worker a message belongs to, whichever one it reaches."""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.resumption.keepers import ranked
from transceiver.signaling.call_id import PREFIX, CallIdError, CallIds
from transceiver.sip.owner_tokens import OwnerTokens
from transceiver.sip.routing_fields import RoutingFields

DOWN_S = 2.0
"""For how long a worker that could not be reached gets none of what begins."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Of a message; `named` when a name that this cluster sealed says so."""

    worker: Address
    named: bool


class MessageRouter:
    """One worker's; `workers` are its host's, itself included.

    What names no worker begins something, or is repeated or taken back before it was answered
    (CANCEL, ACK of a refusal): all of that has one Call-ID, by which it meets at one worker.
    """

    def __init__(
        self, keys: ClusterKeys, here: Address, workers: Sequence[Address], cluster_id: int = 0
    ) -> None:
        self._here = here
        self._cluster_id = cluster_id
        self._workers = workers
        self._down: dict[Address, float] = {}
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Read names under `keys`, old ones included, and under none other."""
        self._call_ids = CallIds(keys, self._cluster_id)
        self._tokens = OwnerTokens(keys)

    def owner(self, fields: RoutingFields, now: float) -> Owner:
        named = self._named(fields)
        if named is not None:
            return Owner(named, named=True)
        if not fields.method:
            return Owner(self._here, named=False)
        up = [each for each in self._workers if not self._is_down(each, now)]
        return Owner(ranked(fields.call_id, up or [self._here])[0], named=False)

    def unreachable(self, worker: Address, now: float) -> None:
        """What begins goes elsewhere for a while."""
        if worker != self._here:
            self._down[worker] = now + DOWN_S

    def reachable(self, worker: Address) -> None:
        """It was heard from."""
        self._down.pop(worker, None)

    def _is_down(self, worker: Address, now: float) -> bool:
        return self._down.get(worker, now) > now

    def _named(self, fields: RoutingFields) -> Address | None:
        if not fields.method:
            return self._tokens.owner_of_branch(fields.branch)
        if fields.user.startswith(PREFIX):
            try:
                return self._call_ids.owner(fields.user)
            except CallIdError:
                pass
        return self._tokens.owner_of_tag(fields.to_tag)
