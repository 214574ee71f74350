"""Ports for those that must be told one, rather than take any; nobody is given one twice."""

from loadtest.deployment.free_ports import free_ports

_GIVEN: set[int] = set()


def free_port(host: str = "127.0.0.1", count: int = 1) -> int:
    """The first of `count` ports in a row that nobody has, for UDP and for TCP."""
    while True:
        first = free_ports(count, host)
        ports = range(first, first + count)
        if _GIVEN.isdisjoint(ports):
            _GIVEN.update(ports)
            return first
