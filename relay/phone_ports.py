"""Which extra ports a relay has, for phones that its public port cannot tell apart."""

import re
from dataclasses import dataclass

MAX_PORTS = 800
"""Each is a descriptor, of which a process mostly has 1024."""

_TEXT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class PhonePorts:
    """`count` UDP ports from `first` on; any ports where that is 0."""

    count: int = 0
    first: int = 0

    @classmethod
    def parse(cls, text: str) -> "PhonePorts":
        """Read a range such as `40000-40019`, or a number of ports. Raises ValueError."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"expected FIRST-LAST or a number of ports, not {text!r}")
        if match[2] is None:
            return cls._checked(int(match[1]), 0)
        first, last = int(match[1]), int(match[2])
        if not 0 < first <= last <= 0xFFFF:
            raise ValueError(f"{text!r} is no range of ports")
        return cls._checked(last - first + 1, first)

    @classmethod
    def _checked(cls, count: int, first: int) -> "PhonePorts":
        if count > MAX_PORTS:
            raise ValueError(f"at most {MAX_PORTS} ports")
        return cls(count, first)

    def lacking(self, ports: frozenset[int]) -> list[int]:
        """Those that remain to be bound where `ports`, all of them wanted, are; 0 is any."""
        if not self.first:
            return [0] * (self.count - len(ports))
        wanted = range(self.first, self.first + self.count)
        return [port for port in wanted if port not in ports]

    def wanted(self, ports: list[int]) -> list[int]:
        """Those of `ports` that this asks for, in their order."""
        if not self.first:
            return ports[: self.count]
        return [port for port in ports if self.first <= port < self.first + self.count]

    def __str__(self) -> str:
        if not self.first:
            return str(self.count)
        return f"{self.first}-{self.first + self.count - 1}"


NO_PHONES = PhonePorts()
