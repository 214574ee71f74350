"""The DNS of a cluster, as far as headless Services need it: their pods' addresses."""

import socket
import threading
import time
from collections.abc import Callable, Sequence

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.e2e.namespaces import Namespace

Addresses = Callable[[str], Sequence[str] | None]
"""Takes a Service's name; None where there is none."""


class NameServer:
    """Answers at `address` of `host`; what it said of a name it repeats for `cache_s`.

    CoreDNS does so, too: https://coredns.io/plugins/cache/
    """

    def __init__(self, host: Namespace, address: str, addresses: Addresses, cache_s: float) -> None:
        with host.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((address, 53))
        self._socket.settimeout(0.2)
        self._addresses = addresses
        self._cache_s = cache_s
        self._said: dict[str, tuple[float, Sequence[str] | None]] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                datagram, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self._socket.sendto(self._answer(datagram), client)

    def _answer(self, datagram: bytes) -> bytes:
        query = dns.message.from_wire(datagram)
        response = dns.message.make_response(query, recursion_available=True)
        [question] = query.question
        addresses = self._cached(question.name.labels[0].decode())
        if addresses is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif addresses and question.rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(question.name, 5, "IN", "A", *addresses))
        return response.to_wire()

    def _cached(self, service: str) -> Sequence[str] | None:
        now = time.monotonic()
        said_at, addresses = self._said.get(service, (float("-inf"), None))
        if now - said_at >= self._cache_s:
            addresses = self._addresses(service)
            self._said[service] = now, addresses
        return addresses
