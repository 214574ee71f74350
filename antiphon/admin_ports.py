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
        host, colon, ports = text.removeprefix(_DNS).strip().rpartition(":")
        first_port, dash, last_port = ports.partition("-")
        host, first = HostPort.parse(f"{host}{colon}{first_port}")
        last = HostPort.parse(f"0:{last_port}").port if dash else first
        if not 0 < first <= last < first + MAX_PORTS:
            raise ValueError(
                f"expected HOST:PORT, or HOST:FIRST-LAST with {MAX_PORTS} ports at most, "
                f"not {text!r}"
            )
        return cls(host, first, last, text.startswith(_DNS))

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
