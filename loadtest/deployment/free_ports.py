"""Ports that a tier finds free again when it is restarted.

They lie below those that the system gives away by itself: thousands of callers take of those,
also in the moment in which nobody has the tier's.
"""

import random
import socket
from pathlib import Path

FIRST = 10_000
_TRIES = 1000
_RANDOM = random.SystemRandom()
"""Not the module's generator, which tests seed: several processes would look at the same ports."""


def free_ports(count: int = 1, host: str = "127.0.0.1") -> int:
    """The first of so many ports in a row that nobody had a moment ago, for UDP and for TCP.

    Raises OSError where there is none.
    """
    for _ in range(_TRIES):
        ports = range(first := _RANDOM.randrange(FIRST, _end() - count), first + count)
        if all(_is_free(host, port) for port in ports):
            return first
    raise OSError(f"found no {count} free ports in a row at {host}")


def _end() -> int:
    """https://docs.kernel.org/networking/ip-sysctl.html: ip_local_port_range"""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _is_free(host: str, port: int) -> bool:
    try:
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind((host, port))
    except OSError:
        return False
    return True
