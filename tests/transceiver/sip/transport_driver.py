"""Messages, and workers whose exchanges are joined without sockets."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.sip.exchange import Exchange
from transceiver.sip.flow import Flow
from transceiver.sip.message_router import MessageRouter
from transceiver.sip.sip_counters import SipCounters
from transceiver.sip.sip_names import SipNames
from transceiver.sip.user_agent import Unheard
from transceiver.sip.worker_parcels import Parcel

KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
OTHER_KEYS = ClusterKeys.parse(f"0 ipv4 {'b2' * 32}")
WORKERS: list[Address] = [("10.0.0.1", 7000), ("10.0.0.1", 7001), ("10.0.0.1", 7002)]
ELSEWHERE: Address = ("10.0.0.2", 7000)
PHONE: Address = ("198.51.100.7", 5062)


def request(
    method: str = "INVITE",
    *,
    uri: str = "sip:100@antiphon.example",
    call_id: str = "a84b4c76e66710",
    to_tag: str = "",
    body: bytes = b"",
) -> bytes:
    lines = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKnashds8;rport",
        "Max-Forwards: 70",
        f"To: <sip:100@antiphon.example>{';tag=' * bool(to_tag)}{to_tag}",
        "From: Alice <sip:alice@antiphon.example>;tag=1928301774",
        f"Call-ID: {call_id}",
        f"CSeq: 314159 {method}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(status: int = 200, *, branch: str = "z9hG4bKnashds8", call_id: str = "ours") -> bytes:
    lines = [
        f"SIP/2.0 {status} Whatever",
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}",
        "To: <sip:alice@198.51.100.7>;tag=theirs",
        "From: <sip:100@antiphon.example>;tag=ours",
        f"Call-ID: {call_id}",
        "CSeq: 1 INVITE",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def names(worker: Address, keys: ClusterKeys = KEYS) -> SipNames:
    numbers = count(1)
    return SipNames(keys, worker, lambda length: next(numbers).to_bytes(length, "big"))


@dataclass
class Worker:
    """One worker's exchange, and all that came out of it."""

    address: Address
    host: "Host"
    heard: list[tuple[bytes, Flow]] = field(default_factory=list)
    lost: list[Flow] = field(default_factory=list)
    unsent: list[bytes] = field(default_factory=list)
    sent: list[tuple[bytes, Address]] = field(default_factory=list)
    news: list[bytes] = field(default_factory=list)
    unheard: Unheard | None = None
    can_send: bool = True
    knows: set[str] = field(default_factory=set)
    counters: SipCounters = field(default_factory=SipCounters)

    def __post_init__(self) -> None:
        self.exchange = Exchange(
            MessageRouter(KEYS, self.address, WORKERS),
            self.address,
            WORKERS,
            send_datagram=self._send,
            tell=lambda worker, parcel: self.host.tell(self.address, worker, parcel),
            later=self.host.later.append,
            knows=lambda flow: flow.remote[0] in self.knows,
            heard_news=self.news.append,
            clock=lambda: self.host.now,
            counters=self.counters,
        )
        self.exchange.receiver = self

    def receive(self, data: bytes, flow: Flow) -> Unheard | None:
        self.heard.append((data, flow))
        return self.unheard

    def flow_lost(self, flow: Flow) -> None:
        self.lost.append(flow)

    def undeliverable(self, data: bytes) -> None:
        self.unsent.append(data)

    def _send(self, data: bytes, remote: Address) -> bool:
        if self.can_send:
            self.sent.append((data, remote))
        return self.can_send


class Host:
    """Its workers, whose parcels travel when `run` is called."""

    def __init__(self) -> None:
        self.now = 100.0
        self.later: list[Callable[[], None]] = []
        self.gone: set[Address] = set()
        self.silent: set[Address] = set()
        self.full: set[Address] = set()
        self._parcels: deque[tuple[Address, Address, Parcel]] = deque()
        self.workers = {address: Worker(address, self) for address in WORKERS}

    def tell(self, sender: Address, worker: Address, parcel: Parcel) -> bool:
        if worker in self.full:
            return False
        self._parcels.append((sender, worker, parcel))
        return True

    def run(self) -> None:
        while self._parcels or self.later:
            while self.later:
                self.later.pop(0)()
            if self._parcels:
                sender, worker, parcel = self._parcels.popleft()
                if worker in self.silent or worker in self.gone:
                    gone = worker in self.gone
                    self.workers[sender].exchange.undelivered(worker, parcel, gone)
                else:
                    self.workers[worker].exchange.parcel(sender, parcel)


@dataclass
class Connection:
    """What an exchange does to a connection of its."""

    written: list[bytes] = field(default_factory=list)
    unsent_bytes: int = 0
    aborted: bool = False

    def write(self, message: bytes) -> None:
        self.written.append(message)

    def abort(self) -> None:
        self.aborted = True
