"""Which calls claim a client address or an RTP source: strangers can claim either."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Holder = TypeVar("Holder")


class Claims(Generic[Key, Holder]):
    """Holders by key, the strongest claim first.

    A proven claim goes before a mere one, so that nobody takes a key from its holder by
    naming it; of two equal ones the later goes first.
    """

    def __init__(self) -> None:
        self._by_key: dict[Key, list[tuple[Holder, bool]]] = {}

    def first(self, key: Key) -> Holder | None:
        """Whose claim is the strongest, or None."""
        claims = self._by_key.get(key)
        return claims[0][0] if claims else None

    def holders(self, key: Key) -> list[Holder]:
        """All that claim `key`, the strongest claim first."""
        return [holder for holder, _proven in self._by_key.get(key, ())]

    def claim(self, key: Key, holder: Holder, *, proven: bool) -> None:
        """Add a claim; one that `holder` has is replaced only if it was proven or not before."""
        claims = self._by_key.setdefault(key, [])
        if (holder, proven) in claims:
            return
        self._remove(claims, holder)
        before = 0 if proven else sum(1 for _holder, is_proven in claims if is_proven)
        claims.insert(before, (holder, proven))

    def release(self, key: Key, holder: Holder) -> None:
        """Give a claim up; harmless without one."""
        claims = self._by_key.get(key)
        if claims is None:
            return
        self._remove(claims, holder)
        if not claims:
            del self._by_key[key]

    def _remove(self, claims: list[tuple[Holder, bool]], holder: Holder) -> None:
        claims[:] = [claim for claim in claims if claim[0] is not holder]
