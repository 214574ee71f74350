"""Admin ports of a tier's processes, as flags write them."""

from dataclasses import dataclass

from chassis.host_port import HostPort

MAX_PORTS = 256
"""Of one host: the workers of a transceiver."""

_DNS = "dns:"


@dataclass(frozen=True, slots=True)
class AdminPorts:
    """One port or several in a row, of one host, or of every address of a name."""

    host: str
    first: int
    last: int
    is_name: bool = False
    """Whether `host` stands for all that it resolves to, as a headless Service's does."""

    @classmethod
    def parse(cls, text: str) -> "AdminPorts":
        """Read `HOST:PORT`, `HOST:FIRST-LAST`, or either behind `dns:`. Raises ValueError."""
        is_name = text.startswith(_DNS)
        begin, dash, last_port = text.removeprefix(_DNS).strip(), "", ""
        if "-" in begin.rpartition(":")[2]:
            begin, dash, last_port = begin.rpartition("-")
        host, first = HostPort.parse(begin)
        last = HostPort(host, int(last_port)).port if dash and last_port.isdecimal() else first
        if (dash and not last_port.isdecimal()) or not 0 < first <= last < first + MAX_PORTS:
            raise ValueError(
                f"expected HOST:PORT, or HOST:FIRST-LAST with {MAX_PORTS} ports at most, "
                f"not {text!r}"
            )
        return cls(host, first, last, is_name)

    def of(self, host: str) -> list[HostPort]:
        """These ports of a host."""
        return [HostPort(host, port) for port in range(self.first, self.last + 1)]

    def __str__(self) -> str:
        last = f"-{self.last}" if self.last > self.first else ""
        return f"{_DNS if self.is_name else ''}{HostPort(self.host, self.first)}{last}"


@dataclass(frozen=True, slots=True)
class AdminPortList:
    """Of all the processes of a tier."""

    entries: tuple[AdminPorts, ...]

    @classmethod
    def parse(cls, text: str) -> "AdminPortList":
        """Read entries with commas between them. Raises ValueError."""
        return cls(tuple(AdminPorts.parse(part.strip()) for part in text.split(",")))

    def __str__(self) -> str:
        return ",".join(map(str, self.entries))
