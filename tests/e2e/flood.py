"""Hostile datagrams in great number, from a process of their own."""

import multiprocessing
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from antiphon_proto import stun
from antiphon_proto.address import Address
from tests.e2e.client_socket import open_client, received

SOURCES = [f"127.{network}.0.{host}" for network in range(10, 26) for host in (1, 2)]
"""Of 16 networks: the relay limits failed checks by network."""

KINDS = 4000
BURST = 50
LOOKED_AT_EVERY = 10
"""Bursts."""

BACKLOG_AT_MOST = 1 << 20
"""Bytes, of the 8 MiB that the relay's socket holds: a flood that fills it takes the calls'
place there whatever the relay does, and on this machine it shares the relay's cores."""

LAST_ANSWERS_S = 0.5


@dataclass(frozen=True, slots=True)
class FloodResult:
    """What became of a flood, as its senders see it."""

    sent: int
    seconds: float
    answered_bytes: int


def hostile_datagrams(samples: Sequence[bytes]) -> list[bytes]:
    """Random bytes, random bytes after a genuine beginning, truncations, forged checks, and
    media, DTLS and RTCP of no flow. `samples` are genuine packets."""
    noise = random.Random(3)
    sorts = (
        lambda: noise.randbytes(noise.randrange(1, 1400)),
        lambda: (sample := noise.choice(samples))[: noise.randrange(len(sample))],
        lambda: noise.choice(samples)[:8] + noise.randbytes(noise.randrange(12, 200)),
        lambda: _flipped(noise.choice(samples), noise),
        lambda: _forged_check(noise),
        lambda: b"\x80\x6f" + noise.randbytes(158),
        lambda: b"\x80\xc8" + noise.randbytes(26),
        lambda: b"\x16\xfe\xfd" + noise.randbytes(100),
    )
    return [sorts[i % len(sorts)]() for i in range(KINDS)]


def _flipped(sample: bytes, noise: random.Random) -> bytes:
    at = noise.randrange(len(sample))
    return sample[:at] + bytes([sample[at] ^ 1 << noise.randrange(8)]) + sample[at + 1 :]


def _forged_check(noise: random.Random) -> bytes:
    """Well-formed in all but what only the cluster's keys could make right."""
    ufrag = bytes(noise.choices(b"ABCDEFGHabcdefgh01234567+/", k=23))
    return stun.binding_request(
        noise.randbytes(12),
        username=ufrag + b":abcd",
        password=secrets.token_bytes(24),
        priority=1,
        tie_breaker=1,
        controlling=True,
    )


def _flood(
    relay: Address, datagrams: list[bytes], count: int, rate: float, link: Connection
) -> None:
    sources = [open_client(relay, host) for host in SOURCES]
    began = time.monotonic()
    for burst in range(count // BURST):
        while burst % LOOKED_AT_EVERY == 0 and backlog(relay) > BACKLOG_AT_MOST:
            time.sleep(0.001)
        early_s = began + burst * BURST / rate - time.monotonic()
        if early_s > 0:
            time.sleep(early_s)
        source = sources[burst % len(sources)]
        at = burst * BURST % len(datagrams)
        for datagram in datagrams[at : at + BURST]:
            source.send(datagram)
    seconds = time.monotonic() - began
    time.sleep(LAST_ANSWERS_S)
    answered = sum(len(datagram) for source in sources for datagram in received(source))
    link.send(FloodResult(count // BURST * BURST, seconds, answered))


def backlog(bound: Address) -> int:
    """Bytes that wait in a UDP socket of this machine, with what the kernel keeps of each.

    https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
    """
    port = f":{bound[1]:04X}"
    with open("/proc/net/udp") as sockets:
        rows = [line.split() for line in sockets]
    return sum(int(row[4].partition(":")[2], 16) for row in rows[1:] if row[1].endswith(port))


class Flood:
    """Sends `count` datagrams, at most `rate` a second, and no faster than they are taken."""

    def __init__(self, relay: Address, datagrams: list[bytes], count: int, rate: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._link, theirs = context.Pipe()
        self._process = context.Process(
            target=_flood, args=(relay, datagrams, count, rate, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def over(self) -> bool:
        return self._link.poll()

    def result(self) -> FloodResult:
        """Waits for the end."""
        result: FloodResult = self._link.recv()
        self._process.join()
        return result
