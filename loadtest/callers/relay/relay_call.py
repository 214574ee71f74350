"""One relay call, as Python keeps it: its socket, its checks, and what it waits for."""

import asyncio
import socket
from dataclasses import dataclass, field

from loadtest.callers.relay.caller_checks import CallerChecks, Heard
from loadtest.callers.relay.session_pool import PooledSession, SessionPool
from loadtest.measures.names import Failure


@dataclass(slots=True, eq=False)
class RelayCall:
    """From its socket's being opened to the end of its linger."""

    row: int
    socket: socket.socket
    pooled: PooledSession
    pool: SessionPool
    checks: CallerChecks
    reflected: asyncio.Future[float]
    """When the first packet came back, by the monotonic clock."""
    over: asyncio.Future[Failure | None]
    """Why it is over; None when it is time."""
    heard_at: float = field(default=0.0)
    """When its last check was answered."""

    def send(self, datagram: bytes) -> None:
        """What is lost is repeated by whoever wanted it sent."""
        for _ in range(2):
            try:
                self.socket.send(datagram)
            except ConnectionRefusedError:
                # Of an earlier datagram, while the relay was down; this one is not sent yet.
                continue
            except OSError:
                return
            return

    def check(self, now: float) -> None:
        self.send(self.checks.check(now))

    def receive(self, datagram: bytes, now: float) -> Heard:
        heard = self.checks.receive(datagram)
        if heard.answer is not None:
            self.send(heard.answer)
        if heard.sent_at is not None:
            self.heard_at = now
        return heard

    def end(self, why: Failure | None) -> None:
        if not self.over.done():
            self.over.set_result(why)
