"""The paths of one ICE session: a bounded number, by the client's address."""

from collections.abc import Callable, Iterator

from antiphon_proto.address import Address
from transceiver.ice.path import Path

MAX_PATHS = 8
"""Client addresses tracked at once; the one heard from least recently makes room."""

MAX_ROAMING = 2
"""Of those, the ones known by media alone."""


class PathTable:
    """Opens and forgets paths, and says so by `changed`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._paths: dict[Address, Path] = {}
        self.at = self._paths.get

    def __contains__(self, client: Address) -> bool:
        return client in self._paths

    def __iter__(self) -> Iterator[Path]:
        """Those there are now: the table may change meanwhile."""
        return iter(list(self._paths.values()))

    def open(
        self, client: Address, size: int, now: float, *, roaming: bool, keep: Path | None
    ) -> Path:
        """Track the address that the first datagram, of `size` bytes, came from.

        Another may have to make room, but not `keep`.
        """
        self._make_room(roaming, keep)
        path = Path(client, heard_at=now, consented_at=now, roaming=roaming)
        path.limit.received(size)
        self._paths[client] = path
        self._changed()
        return path

    def forget(self, path: Path) -> None:
        del self._paths[path.client]
        self._changed()

    def _make_room(self, roaming: bool, keep: Path | None) -> None:
        """Forget the path heard from least recently, of those that proved least."""
        others = [path for path in self._paths.values() if path is not keep]
        roamed = [path for path in others if path.roaming]
        if roaming and len(roamed) >= MAX_ROAMING:
            self.forget(min(roamed, key=lambda path: path.heard_at))
        elif len(self._paths) >= MAX_PATHS:
            self.forget(min(others, key=lambda path: (path.validated, path.heard_at)))
