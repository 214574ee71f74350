"""What leaves for an address that has not proved that it receives, and when."""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from transceiver.amplification_limit import FACTOR
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.dtls_session import MAX_WAITING
from transceiver.ice import IceAgent, IceCredentials
from transceiver.media_sources import MAX_SOURCES
from transceiver.media_transport import MediaTransport
from transceiver.srtp import SrtpKeys, SrtpProfile, SrtpReceiver, SrtpSender

SERVER = IceCredentials("serverufragof23characte", "server-password-of-24-ch")
CLIENT = IceCredentials("clnt", "client-password-of-22c")
IPV4: Address = ("192.0.2.7", 50000)
IPV6: Address = ("2001:db8::7", 50000)
FORTH, BACK = bytes(range(28)), bytes(range(100, 128))


class Listener:
    def __init__(self) -> None:
        self.rtp: list[bytes] = []

    def transport_connected(self, now: float) -> None: ...

    def rtp_received(self, packet: bytes, now: float) -> None:
        self.rtp.append(packet)

    def rtcp_received(self, packet: bytes, now: float) -> None: ...

    def data_received(self, record: bytes, now: float) -> None: ...

    def transport_closed(self, now: float) -> None: ...


@dataclass
class Flights:
    """A DTLS endpoint that sends what the test lays out; the first flight unasked."""

    flights: deque[list[bytes]]
    srtp_keys: SrtpKeys | None = None
    closed: bool = False
    _out: list[bytes] = field(default_factory=list)

    def start(self) -> None:
        self._out += self.flights.popleft() if self.flights else []

    def receive(self, _datagram: bytes) -> None:
        self.start()

    def send(self, data: bytes) -> None:
        self._out.append(data)

    tick = start

    def timeout(self) -> None: ...

    def take_datagrams(self) -> list[bytes]:
        taken, self._out = self._out, []
        return taken

    def take_application_data(self) -> list[bytes]:
        return []


class Wire:
    """A transport, and what it sent."""

    def __init__(self, dtls: Flights | DtlsEndpoint, *, sources: tuple[int, ...] = ()) -> None:
        self.sent: list[tuple[bytes, Address]] = []
        self.drops: Counter[DropReason] = Counter()
        self.listener = Listener()
        self.transport = MediaTransport(
            IceAgent(SERVER, CLIENT, random_bytes=random.Random(7).randbytes),
            dtls,
            listener=self.listener,
            send=lambda datagram, client: self.sent.append((datagram, client)),
            drops=self.drops,
            sources=sources,
        )

    def check(self, client: Address = IPV4, *, use_candidate: bool = False) -> int:
        """The client's check comes; returns its size."""
        request = stun.binding_request(
            len(self.sent).to_bytes(12, "big"),
            username=f"{SERVER.ufrag}:{CLIENT.ufrag}".encode(),
            password=SERVER.password.encode(),
            priority=1,
            tie_breaker=1,
            controlling=True,
            use_candidate=use_candidate,
        )
        self.transport.receive_stun(stun.parse(request), len(request), client, 0.0)
        return len(request)

    def answer(self, client: Address = IPV4) -> None:
        """The client answers our latest check."""
        requests = [stun.parse(d) for d, _ in self.sent if packet_kind(d) is PacketKind.STUN]
        response = stun.binding_success(
            requests[-1].transaction_id,
            mapped=("203.0.113.1", 3478),
            password=CLIENT.password.encode(),
        )
        self.transport.receive_stun(stun.parse(response), len(response), client, 0.1)

    def take(self, datagram: bytes, client: Address, now: float) -> None:
        self.transport.receive(packet_kind(datagram), datagram, client, now)

    def roam(self, datagram: bytes, client: Address, now: float) -> bool:
        return self.transport.receive_roaming(packet_kind(datagram), datagram, client, now)

    def dtls(self) -> list[bytes]:
        return [datagram for datagram, _ in self.sent if packet_kind(datagram) is PacketKind.DTLS]

    def bytes_sent(self) -> int:
        return sum(len(datagram) for datagram, _ in self.sent)


def record(size: int, mark: int = 0) -> bytes:
    return b"\x16" + bytes([mark]) * (size - 1)


def flights(*sizes: int) -> Flights:
    """One flight of records of these sizes, marked in order."""
    return Flights(deque([[record(size, mark) for mark, size in enumerate(sizes)]]))


@pytest.mark.parametrize("client", [IPV4, IPV6])
def test_the_smallest_first_check_draws_response_check_and_client_hello(client: Address) -> None:
    certificate = DtlsCertificate()
    wire = Wire(DtlsEndpoint(certificate, [certificate.fingerprint]))
    wire.check(client)
    response, check, hello = (datagram for datagram, _ in wire.sent)
    assert stun.parse(response).message_class is stun.StunClass.SUCCESS
    assert stun.parse(check).message_class is stun.StunClass.REQUEST
    assert packet_kind(hello) is PacketKind.DTLS


def test_a_flight_that_does_not_fit_waits_for_the_answer() -> None:
    wire = Wire(flights(1000, 1000))
    came = wire.check()
    assert wire.dtls() == []
    assert wire.bytes_sent() <= FACTOR * came
    wire.answer()
    assert wire.dtls() == [record(1000, 0), record(1000, 1)]


def test_or_for_more_bytes_and_keeps_its_order() -> None:
    wire = Wire(flights(400, 100))
    came = wire.check()
    assert wire.dtls() == [], "the second would fit, but not before the first"
    came += wire.check()
    wire.take(record(40), IPV4, 0.1)
    came += 40
    assert wire.dtls() == [record(400, 0), record(100, 1)]
    assert wire.bytes_sent() <= FACTOR * came


def test_what_waits_follows_the_client_to_an_address_that_answers() -> None:
    wire = Wire(flights(1000))
    wire.check()
    wire.check(IPV6)
    wire.answer(IPV6)
    assert [client for datagram, client in wire.sent if datagram == record(1000)] == [IPV6]


def test_only_so_many_datagrams_wait() -> None:
    wire = Wire(flights(*[1000] * (MAX_WAITING + 3)))
    wire.check()
    assert wire.drops == {DropReason.UNVALIDATED_ALLOWANCE: 3}
    wire.answer()
    assert wire.dtls() == [record(1000, mark) for mark in range(MAX_WAITING)]


def test_a_proven_address_takes_any_number_at_once() -> None:
    wire = Wire(flights())
    wire.check()
    wire.answer()
    for mark in range(3 * MAX_WAITING):
        wire.transport.send_data(record(1200, mark), 0.2)
    assert len(wire.dtls()) == 3 * MAX_WAITING
    assert wire.drops == {}


class Peer:
    """A client's DTLS, whose address has answered; `lose` says which datagrams get lost."""

    def __init__(self, *, client: bool) -> None:
        ours, theirs = DtlsCertificate(), DtlsCertificate()
        self.dtls = DtlsEndpoint(theirs, [ours.fingerprint], client=client)
        self.wire = Wire(DtlsEndpoint(ours, [theirs.fingerprint], client=not client))
        self.lose: set[int] = set()
        """Of what we send, counted from the first."""
        self._sent = 0
        self.wire.check()
        self.wire.answer()
        self.dtls.start()

    def exchange(self, now: float) -> None:
        """It is `now`; everything arrives that does not get lost."""
        self.wire.transport.tick(now)
        while True:
            forth, back = self.wire.dtls()[self._sent :], self.dtls.take_datagrams()
            if not forth and not back:
                return
            for datagram in forth:
                self._sent += 1
                if self._sent not in self.lose:
                    self.dtls.receive(datagram)
            for datagram in back:
                self.wire.take(datagram, IPV4, now)

    @property
    def connected(self) -> bool:
        return self.dtls.srtp_keys is not None and self.wire.transport.connected


@pytest.mark.parametrize("client", [True, False])
def test_a_lost_flight_is_sent_again_long_before_openssls_second(client: bool) -> None:
    peer = Peer(client=client)
    peer.lose = {1, 2}
    peer.exchange(0.2)
    assert not peer.connected
    for hundredths in range(20, 100):
        peer.exchange(hundredths / 100)
    assert peer.connected


def test_what_waits_for_its_first_time_is_not_repeated() -> None:
    wire = Wire(flights(1000))
    wire.check()
    wire.transport.tick(10.0)
    wire.answer()
    assert wire.dtls() == [record(1000)]


def test_a_handshake_that_is_over_is_not_repeated() -> None:
    peer = Peer(client=False)
    peer.exchange(0.2)
    assert peer.connected
    left = len(peer.wire.dtls())
    for hundredths in range(20, 200):
        peer.exchange(hundredths / 100)
    assert len(peer.wire.dtls()) == left


def connected(**arguments: tuple[int, ...]) -> tuple[Wire, SrtpSender]:
    """Keys by DTLS, but an address that has answered no check."""
    profile = SrtpProfile.AEAD_AES_128_GCM
    wire = Wire(Flights(deque(), SrtpKeys(profile, FORTH, BACK)), **arguments)
    wire.check()
    return wire, SrtpSender(SrtpKeys(profile, BACK, FORTH))


def rtp(sequence: int, ssrc: int = 1, size: int = 80) -> bytes:
    head = b"\x80\x6f" + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
    return head + bytes(size)


def test_media_beyond_the_limit_is_dropped() -> None:
    wire, client = connected()
    for sequence in range(50):
        wire.transport.send_rtp(rtp(sequence))
    left = len(wire.sent)
    assert wire.drops[DropReason.UNVALIDATED_ALLOWANCE] > 40
    wire.take(client.protect(rtp(1)), IPV4, 0.1)
    for sequence in range(50, 60):
        wire.transport.send_rtp(rtp(sequence))
    assert len(wire.sent) == left + FACTOR


def test_sources_are_those_named_and_those_heard() -> None:
    wire, client = connected(sources=(5, 6))
    wire.take(client.protect(rtp(1, ssrc=6)), IPV4, 0.1)
    wire.take(client.protect(rtp(1, ssrc=7)), IPV4, 0.1)
    assert wire.transport.sources == {5: False, 6: True, 7: True}


def test_the_first_sources_heard_are_remembered_before_those_named() -> None:
    wire, client = connected(sources=(5, 6))
    for ssrc in range(100, 100 + MAX_SOURCES + 2):
        wire.take(client.protect(rtp(1, ssrc)), IPV4, 0.1)
    assert wire.transport.sources == dict.fromkeys(range(100, 100 + MAX_SOURCES), True)


def test_the_revision_changes_with_a_source_and_not_with_a_packet() -> None:
    wire, client = connected()
    before = wire.transport.revision
    wire.take(client.protect(rtp(1)), IPV4, 0.1)
    after = wire.transport.revision
    wire.take(client.protect(rtp(2)), IPV4, 0.1)
    assert before != after == wire.transport.revision


def tampered(packet: bytes) -> bytes:
    return packet[:-1] + bytes([packet[-1] ^ 1])


@pytest.mark.parametrize("spoil", [tampered, lambda packet: packet[:12], lambda _: b"\x80"])
def test_a_strangers_packet_leaves_no_trace(spoil: Callable[[bytes], bytes]) -> None:
    wire, client = connected()
    before = wire.transport.revision, len(wire.sent)
    assert not wire.roam(spoil(client.protect(rtp(1))), IPV6, 0.1)
    assert (wire.transport.revision, len(wire.sent)) == before
    assert wire.drops == {}
    assert wire.listener.rtp == []


def test_before_there_are_keys_no_stranger_is_the_client() -> None:
    wire = Wire(flights())
    wire.check()
    assert not wire.roam(rtp(1), IPV6, 0.1)


def test_the_clients_packet_from_elsewhere_is_used_at_once_and_draws_one_check() -> None:
    wire, client = connected()
    wire.sent.clear()
    packet = client.protect(rtp(1))
    assert wire.roam(packet, IPV6, 0.1)
    assert wire.listener.rtp == [rtp(1)]
    [(check, to)] = wire.sent
    assert stun.parse(check).message_class is stun.StunClass.REQUEST
    assert to == IPV6
    assert not wire.roam(packet, IPV6, 0.2), "a replay"


def test_what_leaves_is_what_the_client_can_read() -> None:
    wire, _client = connected()
    wire.answer()
    wire.sent.clear()
    wire.transport.send_rtp(rtp(1))
    [(packet, _)] = wire.sent
    receiver = SrtpReceiver(SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, BACK, FORTH))
    assert receiver.unprotect(packet) == rtp(1)
