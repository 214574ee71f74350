"""Snapshots kept by other workers: of other hosts where there are any, else by siblings."""

import asyncio
from collections.abc import Hashable, Sequence

from antiphon_proto.address import Address
from chassis.name_lookup import addresses_of_name
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.keepers import ranked
from transceiver.resumption.peer_messages import Fetch, Fetched, Keep, Kept
from transceiver.resumption.peers import Peers
from transceiver.resumption.snapshot_store import SnapshotStore

DOWN_S = 5.0
"""How long a worker that did not answer is not asked to keep anything."""

LOOK_UP_S = 10.0
ASKED = 4
"""Workers of each kind that are asked for a snapshot at once."""


class PeerKeeper:
    """`here` is this worker's own address, `store` what it keeps for others."""

    def __init__(
        self,
        peers: Peers,
        *,
        here: Address,
        store: SnapshotStore,
        siblings: Sequence[Address],
        others: ReplicaAddresses,
    ) -> None:
        """`others` are workers of other hosts, one of each is enough."""
        self._peers = peers
        self._here = here
        self._store = store
        self._siblings = [each for each in siblings if each != here]
        self._names = others.names
        self._listed = [(each.host, each.port) for each in others.listed]
        self._others = self._distant(self._listed)
        self._down: dict[Hashable, float] = {}

    async def look_up(self) -> None:
        """Follow the names of other hosts, for ever."""
        while self._names:
            found: set[Address] = set()
            for name in self._names:
                found |= {(host, name.port) for host in await addresses_of_name(name.host)}
            if found:
                self._others = self._distant([*self._listed, *sorted(found)])
            await asyncio.sleep(LOOK_UP_S)

    def place(self, session_id: str, now: float) -> Hashable | None:
        for workers in (self._others, self._siblings):
            up = [each for each in workers if self._down.get(each, 0.0) <= now]
            if up:
                return ranked(session_id, up)[0]
        return None

    async def keep(self, place: Hashable, request: Keep) -> Kept | None:
        answer = await self._peers.ask(_address(place), request)
        if isinstance(answer, Kept):
            return answer
        self._down[place] = asyncio.get_running_loop().time() + DOWN_S
        return None

    async def fetch(self, session_id: str) -> Fetched | None:
        """Of this worker and those that are the most likely, the newest that one has."""
        asked = [
            *ranked(session_id, self._others)[:ASKED],
            *ranked(session_id, self._siblings)[:ASKED],
        ]
        answers = await asyncio.gather(
            *(self._peers.ask(each, Fetch(session_id)) for each in asked)
        )
        own = self._store.fetch(session_id, asyncio.get_running_loop().time())
        found = [each for each in (own, *answers) if isinstance(each, Fetched) and each.parts]
        return max(found, key=lambda each: (each.generation, len(each.parts)), default=None)

    def _distant(self, addresses: Sequence[Address]) -> list[Address]:
        """Those that are not this very host's."""
        near = {self._here, *self._siblings}
        return [each for each in addresses if each not in near]


def _address(place: Hashable) -> Address:
    assert isinstance(place, tuple)
    return place
