"""Ports for those that must be told one, rather than take any.

They lie below those that the system gives away by itself: nobody comes to have one in the
moment before it is used, be it as the near end of a connection.
"""

import os
import random
import socket
from pathlib import Path

FIRST = 10_000
_GIVEN: set[int] = set()
_RANDOM = random.Random(os.getpid())


def free_port(host: str = "127.0.0.1", count: int = 1) -> int:
    """The first of `count` ports in a row that nobody has, for UDP and for TCP."""
    while True:
        ports = range(port := _RANDOM.randrange(FIRST, _end() - count), port + count)
        if _GIVEN.isdisjoint(ports) and all(_is_free(host, each) for each in ports):
            _GIVEN.update(ports)
            return port


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
