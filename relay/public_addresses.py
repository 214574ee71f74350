"""Where clients send to: one UDP address, or one of each family."""

from dataclasses import dataclass

from chassis.host_port import HostPort


@dataclass(frozen=True, slots=True)
class PublicAddresses:
    """One address, or two of which one is IPv4 and one IPv6."""

    addresses: tuple[HostPort, ...]

    @classmethod
    def parse(cls, text: str) -> "PublicAddresses":
        """Read `0.0.0.0:3478` or `0.0.0.0:3478,[::]:3478`. Raises ValueError."""
        addresses = tuple(HostPort.parse(part) for part in text.split(","))
        families = {":" in address.host for address in addresses}
        if len(families) < len(addresses):
            raise ValueError("two addresses are one IPv4 and one IPv6 address")
        return cls(addresses)

    def serves(self, bound: "PublicAddresses") -> bool:
        """Whether sockets bound to `bound` are what this asks for; port 0 asks for any."""
        return len(self.addresses) == len(bound.addresses) and all(
            wanted.host == had.host and wanted.port in (0, had.port)
            for wanted, had in zip(self.addresses, bound.addresses, strict=True)
        )

    def __str__(self) -> str:
        return ",".join(map(str, self.addresses))
