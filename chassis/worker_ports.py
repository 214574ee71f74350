"""A port for each worker of a host, or of every host behind a name, as flags write them."""

from dataclasses import dataclass

from chassis.host_port import DNS_PREFIX, HostPort

MOST_WORKERS = 256


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """One port, or several in a row."""

    host: str
    ports: range
    is_name: bool = False
    """Whether `host` stands for every address that it resolves to."""

    @classmethod
    def parse(cls, text: str) -> "WorkerPorts":
        """Read `HOST:PORT`, `HOST:FIRST-LAST`, or either behind `dns:`. Raises ValueError."""
        # Names have hyphens, too: what is meant here stands behind the last colon.
        host_text, colon, ports_text = text.removeprefix(DNS_PREFIX).rpartition(":")
        first_text, dash, last_text = ports_text.partition("-")
        host, first = HostPort.parse(f"{host_text}{colon}{first_text}")
        last = HostPort.parse(f"-:{last_text}").port if dash else first
        ports = range(first, last + 1)
        if not (first and 0 < len(ports) <= MOST_WORKERS):
            raise ValueError(
                f"expected ports from 1 up, FIRST-LAST with {MOST_WORKERS} at most, not {text!r}"
            )
        return cls(host, ports, text.startswith(DNS_PREFIX))

    @property
    def first(self) -> HostPort:
        return HostPort(self.host, self.ports[0])

    def __str__(self) -> str:
        last = f"-{self.ports[-1]}" if len(self.ports) > 1 else ""
        return f"{DNS_PREFIX if self.is_name else ''}{self.first}{last}"
