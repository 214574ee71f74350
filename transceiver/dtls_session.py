"""Drives a DTLS endpoint: its timers, what waits for leave to be sent, and what it brings."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsEndpoint, DtlsError
from transceiver.dtls_flight import DtlsFlight
from transceiver.srtp import SrtpKeys

MAX_WAITING = 8
"""DTLS datagrams that wait for leave to be sent; the longest flight has one or two."""


class DtlsListener(Protocol):
    """What becomes of a session."""

    def keyed(self, keys: SrtpKeys, now: float) -> None:
        """The handshake is done and the peer authenticated."""

    def record_received(self, record: bytes, now: float) -> None:
        """One record's content."""

    def dtls_closed(self, now: float) -> None:
        """It failed, or the peer closed it; not said after our own `close`."""


class DtlsSession:
    """One DTLS association over a path that may not let everything leave at once."""

    def __init__(
        self,
        endpoint: DtlsEndpoint,
        *,
        listener: DtlsListener,
        send: Callable[[bytes], bool],
        drops: Counter[DropReason],
    ) -> None:
        """`send` says whether a datagram could leave; it is asked again for one that could not."""
        self._endpoint = endpoint
        self._listener = listener
        self._send = send
        self._drops = drops
        self._flight = DtlsFlight()
        self._due: float | None = None
        self.waiting: deque[bytes] = deque()
        """What `flush_waiting` tries again."""
        self._keyed = False
        self._closed = False

    def start(self, now: float) -> None:
        """Send the ClientHello when we are the client; a server waits."""
        self._drive(self._endpoint.start, now)

    def receive(self, datagram: bytes, now: float) -> None:
        self._drive(lambda: self._endpoint.receive(datagram), now)

    def send(self, data: bytes, now: float) -> None:
        """Send `data` as one record."""
        self._drive(lambda: self._endpoint.send(data), now)

    def tick(self, now: float) -> None:
        """Send the retransmissions that are due."""
        if now >= self._flight.due_at:
            self._repeat_flight(now)
        if self._due is not None and now >= self._due:
            self._drive(self._endpoint.tick, now)

    def close(self, now: float) -> None:
        """Say close_notify to the peer; harmless when closed."""
        self._closed = True
        self._endpoint.close()
        self._flush(now)

    def flush_waiting(self) -> None:
        """More may leave now."""
        while self.waiting and self._send(self.waiting[0]):
            self.waiting.popleft()

    def _drive(self, step: Callable[[], None], now: float) -> None:
        """Take one step and act on what it brought."""
        try:
            step()
        except DtlsError:
            self._flush(now)
            self._report_closed(now)
            return
        self._flush(now)
        keys = self._endpoint.srtp_keys
        if not self._keyed and keys is not None:
            self._keyed = True
            self._flight.done()
            self._listener.keyed(keys, now)
        for record in self._endpoint.take_application_data():
            self._listener.record_received(record, now)
        if self._endpoint.closed:
            self._report_closed(now)

    def _report_closed(self, now: float) -> None:
        self._due = None
        self._flight.done()
        if not self._closed:
            self._closed = True
            self._listener.dtls_closed(now)

    def _flush(self, now: float) -> None:
        datagrams = self._endpoint.take_datagrams()
        if datagrams and not self._keyed:
            self._flight.sent(datagrams, now)
        for datagram in datagrams:
            self._transmit(datagram)
        timeout = self._endpoint.timeout()
        self._due = None if timeout is None else now + timeout

    def _repeat_flight(self, now: float) -> None:
        datagrams = self._flight.due(now)
        if not self.waiting:  # Else the first time is still to come.
            for datagram in datagrams:
                self._transmit(datagram)

    def _transmit(self, datagram: bytes) -> None:
        """Send it, or let it wait behind those that wait."""
        if not self.waiting and self._send(datagram):
            return
        if len(self.waiting) < MAX_WAITING:
            self.waiting.append(datagram)
        else:
            self._drops[DropReason.UNVALIDATED_ALLOWANCE] += 1
