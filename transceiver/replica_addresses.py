"""Where inference replicas are: listed, or behind a name of the DNS."""

from dataclasses import dataclass

from chassis.host_port import DNS_PREFIX, HostPort


@dataclass(frozen=True, slots=True)
class ReplicaAddresses:
    """Every address of each of `names` is a replica, as behind a headless service of Kubernetes."""

    listed: tuple[HostPort, ...] = ()
    names: tuple[HostPort, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "ReplicaAddresses":
        """Read `HOST:PORT`, `dns:NAME:PORT`, or several with commas between them.

        Raises ValueError for anything else, and for an address that stands twice.
        """
        parts = [part.strip() for part in text.split(",")]
        names = [part.removeprefix(DNS_PREFIX) for part in parts if part.startswith(DNS_PREFIX)]
        listed = [part for part in parts if not part.startswith(DNS_PREFIX)]
        addresses = cls(tuple(map(HostPort.parse, listed)), tuple(map(HostPort.parse, names)))
        for each in (addresses.listed, addresses.names):
            if len(set(each)) < len(each):
                raise ValueError(f"an address stands twice in {text!r}")
        return addresses

    def __str__(self) -> str:
        names = (f"{DNS_PREFIX}{name}" for name in self.names)
        return ",".join((*map(str, self.listed), *names))
