"""Which of a zone's clusters is asked first."""

from collections.abc import Sequence

SILENT_S = 5.0
"""For how long a cluster that did not answer is asked last."""


class ClusterOrder:
    """Remembers who did not answer, so that not every call waits for it first."""

    def __init__(self, here: int) -> None:
        """`here` is this cluster, which is asked without its API."""
        self._here = here
        self._silent_until: dict[int, float] = {}

    def of(self, clusters: Sequence[int], now: float) -> list[int]:
        """The clusters as the zone has them, those last that were silent lately."""
        return sorted(clusters, key=lambda each: each != self._here and self.is_silent(each, now))

    def is_silent(self, cluster: int, now: float) -> bool:
        """Whether the cluster's API did not answer lately."""
        return self._silent_until.get(cluster, now) > now

    def silent(self, cluster: int, now: float) -> None:
        self._silent_until[cluster] = now + SILENT_S

    def answered(self, cluster: int) -> None:
        self._silent_until.pop(cluster, None)
