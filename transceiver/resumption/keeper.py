"""Where snapshots are kept: what an owner needs of it."""

from collections.abc import Hashable
from typing import Protocol

from transceiver.resumption.peer_messages import Fetched, Keep, Kept


class Keeper(Protocol):
    """Several places, each of which may be gone."""

    def place(self, session_id: str, now: float) -> Hashable | None:
        """Where the session's snapshot is to be; None where there is no place."""

    async def keep(self, place: Hashable, request: Keep) -> Kept | None:
        """None where the place is gone."""

    async def fetch(self, session_id: str) -> Fetched | None:
        """The snapshot, wherever it is."""
