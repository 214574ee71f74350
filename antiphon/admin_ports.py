"""Admin ports of all the processes of a tier, as flags write them."""

from dataclasses import dataclass

from chassis.worker_ports import WorkerPorts


@dataclass(frozen=True, slots=True)
class AdminPortList:
    """Hosts by their addresses, or names that stand for several."""

    entries: tuple[WorkerPorts, ...]

    @classmethod
    def parse(cls, text: str) -> "AdminPortList":
        """Read entries with commas between them. Raises ValueError."""
        return cls(tuple(WorkerPorts.parse(part.strip()) for part in text.split(",")))

    def __str__(self) -> str:
        return ",".join(map(str, self.entries))
