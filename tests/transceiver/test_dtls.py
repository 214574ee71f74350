"""Two of our endpoints over an in-memory link that can lose, duplicate and reorder."""

import contextlib
import random
import time
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from transceiver import dtls
from transceiver.dtls import MTU_BYTES, DtlsCertificate, DtlsEndpoint, DtlsError
from transceiver.fingerprint import Fingerprint
from transceiver.srtp import SrtpReceiver, SrtpSender

SMALL_MTU_BYTES = 270
ALERT, HANDSHAKE = 21, 22
"""https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1"""

OURS = DtlsCertificate()
THEIRS = DtlsCertificate()


def endpoints() -> tuple[DtlsEndpoint, DtlsEndpoint]:
    client = DtlsEndpoint(OURS, [THEIRS.fingerprint], client=True)
    server = DtlsEndpoint(THEIRS, [OURS.fingerprint], client=False)
    return client, server


def deliver_all(
    left: DtlsEndpoint, right: DtlsEndpoint, lost: Callable[[], bool] = lambda: False
) -> None:
    """Carry datagrams both ways until neither side has any left."""
    while True:
        forth, back = left.take_datagrams(), right.take_datagrams()
        if not forth and not back:
            return
        for datagrams, receiver in (forth, right), (back, left):
            for datagram in datagrams:
                assert len(datagram) <= MTU_BYTES
                if not lost():
                    receiver.receive(datagram)


def connected() -> tuple[DtlsEndpoint, DtlsEndpoint]:
    client, server = endpoints()
    client.start()
    server.start()
    deliver_all(client, server)
    return client, server


def test_both_sides_derive_matching_media_keys() -> None:
    client, server = connected()
    assert client.srtp_keys is not None
    assert server.srtp_keys is not None
    assert client.srtp_keys.send == server.srtp_keys.receive
    assert client.srtp_keys.receive == server.srtp_keys.send
    packet = b"\x80\x6f" + bytes(10) + b"opus"
    protected = SrtpSender(client.srtp_keys).protect(packet)
    assert SrtpReceiver(server.srtp_keys).unprotect(protected) == packet


def test_application_data_crosses_both_ways() -> None:
    client, server = connected()
    client.send(b"from the client")
    client.send(b"and again")
    server.send(b"from the server")
    deliver_all(client, server)
    assert server.take_application_data() == [b"from the client", b"and again"]
    assert client.take_application_data() == [b"from the server"]
    assert client.take_application_data() == []


def test_several_records_in_one_datagram_are_all_read() -> None:
    client, server = connected()
    client.send(b"one")
    client.send(b"two")
    server.receive(b"".join(client.take_datagrams()))
    assert server.take_application_data() == [b"one", b"two"]


class OnceLossy:
    """A handshake that loses one flight whole, the first time that it leaves."""

    def __init__(self, *, lost_flight: int) -> None:
        self.ends = self.client, self.server = endpoints()
        self._lost_flight, self._flights = lost_flight, 0
        self.client.start()

    def step(self) -> None:
        for end in self.ends:
            end.tick()
        while any([self._carry(self.client, self.server), self._carry(self.server, self.client)]):
            pass

    def _carry(self, sender: DtlsEndpoint, receiver: DtlsEndpoint) -> bool:
        datagrams = sender.take_datagrams()
        if not datagrams:
            return False
        self._flights += 1
        if self._flights != self._lost_flight:
            for datagram in datagrams:
                receiver.receive(datagram)
        return True

    @property
    def done(self) -> bool:
        return all(end.srtp_keys is not None for end in self.ends)


def test_each_flight_may_be_lost_in_either_role() -> None:
    """All at once, for OpenSSL waits a second of real time before it repeats one."""
    handshakes = [OnceLossy(lost_flight=number) for number in (1, 2, 3, 4)]
    deadline = time.monotonic() + 60
    while not all(handshake.done for handshake in handshakes):
        assert time.monotonic() < deadline
        for handshake in handshakes:
            handshake.step()
        time.sleep(0.02)


def records(datagrams: list[bytes]) -> list[bytes]:
    """Each of them in a datagram of its own."""
    found = []
    for datagram in datagrams:
        while datagram:
            end = 13 + int.from_bytes(datagram[11:13], "big")
            found.append(datagram[:end])
            datagram = datagram[end:]
    return found


def chatty_peer(*, client: bool) -> DtlsEndpoint:
    """One that offers all it can, in records of a few hundred bytes."""
    key = ec.generate_private_key(ec.SECP256R1())
    peers = DtlsCertificate()
    peers.context = context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_cipher_list(b"ALL")
    context.set_verify(SSL.VERIFY_PEER, lambda *_arguments: True)
    context.use_certificate(dtls._self_signed(key))
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    peer = DtlsEndpoint(peers, [OURS.fingerprint], client=client)
    peer._ssl.set_ciphertext_mtu(SMALL_MTU_BYTES)
    return peer


def is_plain_handshake(record: bytes) -> bool:
    """A handshake message from before the change of keys, or a part of one."""
    return record[0] == HANDSHAKE and record[3:5] == bytes(2)


def is_fragment(record: bytes) -> bool:
    """https://www.rfc-editor.org/rfc/rfc6347#section-4.2.2"""
    return is_plain_handshake(record) and record[14:17] != record[22:25]


def disordered(flight: list[bytes]) -> list[bytes]:
    """Twice, in another order; but what follows a change of keys is last, and awaits it."""
    plain = list(filter(is_plain_handshake, flight))
    shuffled = 2 * plain
    random.Random(3).shuffle(shuffled)
    return shuffled + flight[len(plain) :]


@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize("arrange", [list, disordered])
def test_handshake_messages_may_come_in_fragments(
    client: bool, arrange: Callable[[list[bytes]], list[bytes]]
) -> None:
    """As the ClientHello of Chromium does, of 1,413 bytes for its post-quantum key."""
    peer = chatty_peer(client=not client)
    ours = DtlsEndpoint(OURS, [certificate_of(peer)], client=client)
    fragmented_flights = 0
    ours.start()
    peer.start()
    while True:
        flight, answer = records(peer.take_datagrams()), ours.take_datagrams()
        if not flight and not answer:
            break
        fragmented_flights += any(map(is_fragment, flight))
        for datagram in arrange(flight):
            ours.receive(datagram)
        for datagram in answer:
            peer.receive(datagram)
    assert ours.srtp_keys is not None
    assert fragmented_flights == (1 if client else 2)


def certificate_of(peer: DtlsEndpoint) -> Fingerprint:
    certificate = peer._ssl.get_certificate(as_cryptography=True)
    assert certificate is not None
    return Fingerprint.of(certificate.public_bytes(Encoding.DER))


def test_a_long_certificate_takes_several_datagrams_both_ways() -> None:
    ends = [long_certificate(), long_certificate()]
    client = DtlsEndpoint(ends[0], [ends[1].fingerprint], client=True)
    server = DtlsEndpoint(ends[1], [ends[0].fingerprint], client=False)
    client.start()
    deliver_all(client, server)
    assert client.srtp_keys is not None
    assert server.srtp_keys is not None


def long_certificate() -> DtlsCertificate:
    """As long as a chain of RSA certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    short = dtls._self_signed(key)
    names = [x509.DNSName(f"{number}.{'x' * 60}.example") for number in range(40)]
    long = (
        x509.CertificateBuilder()
        .subject_name(short.subject)
        .issuer_name(short.issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(short.not_valid_before_utc)
        .not_valid_after(short.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    der = long.public_bytes(Encoding.DER)
    assert len(der) > 2 * MTU_BYTES
    made = DtlsCertificate()
    made.context, made._fingerprint = dtls._context(long, key), Fingerprint.of(der)
    return made


@pytest.mark.parametrize("client_is_impostor", [True, False])
def test_a_certificate_that_does_not_match_its_fingerprint_gets_no_keys(
    client_is_impostor: bool,
) -> None:
    wrong = Fingerprint.of(b"another certificate")
    client = DtlsEndpoint(OURS, [THEIRS.fingerprint if client_is_impostor else wrong], client=True)
    server = DtlsEndpoint(THEIRS, [wrong if client_is_impostor else OURS.fingerprint], client=False)
    client.start()
    with pytest.raises(DtlsError, match="fingerprint"):
        deliver_all(client, server)
    judge = server if client_is_impostor else client
    assert judge.closed
    assert judge.srtp_keys is None
    with pytest.raises(DtlsError):
        judge.send(b"anything")


def test_every_announced_fingerprint_must_match() -> None:
    client = DtlsEndpoint(OURS, [THEIRS.fingerprint, Fingerprint.of(b"x", "sha-512")])
    server = DtlsEndpoint(THEIRS, [OURS.fingerprint], client=False)
    client.start()
    with pytest.raises(DtlsError, match="fingerprint"):
        deliver_all(client, server)


def test_a_peer_needs_a_fingerprint() -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        DtlsEndpoint(OURS, [])


def test_a_peer_without_srtp_gets_no_further() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = dtls._self_signed(key)
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    peer = SSL.Connection(context, None)
    peer.set_accept_state()
    client = DtlsEndpoint(OURS, [Fingerprint.of(certificate.public_bytes(Encoding.DER))])

    def shake_hands() -> None:
        client.start()
        while client.srtp_keys is None:
            peer.bio_write(b"".join(client.take_datagrams()))
            with contextlib.suppress(SSL.WantReadError):
                peer.do_handshake()
            client.receive(peer.bio_read(65536))

    with pytest.raises(DtlsError, match="SRTP"):
        shake_hands()
    assert client.closed
    assert client.srtp_keys is None


@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())],
    ids=["rsa-2048", "p-384"],
)
def test_peers_with_other_keys_are_met(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, client: bool
) -> None:
    """Our ClientHello offers few signature algorithms, to be small."""
    certificate = dtls._self_signed(key)
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_verify(SSL.VERIFY_PEER, lambda *_arguments: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    theirs = DtlsCertificate()
    theirs.context = context
    fingerprint = Fingerprint.of(certificate.public_bytes(Encoding.DER))
    ours = DtlsEndpoint(OURS, [fingerprint], client=client)
    peer = DtlsEndpoint(theirs, [OURS.fingerprint], client=not client)
    ours.start()
    peer.start()
    deliver_all(ours, peer)
    assert ours.srtp_keys is not None
    assert peer.srtp_keys is not None
    assert ours.srtp_keys.send == peer.srtp_keys.receive


def test_sending_before_the_handshake_is_done_is_refused() -> None:
    client, _ = endpoints()
    with pytest.raises(DtlsError, match="not connected"):
        client.send(b"too early")


@pytest.mark.parametrize("by_client", [True, False])
def test_closing_says_so_to_the_peer_who_says_it_back(by_client: bool) -> None:
    """https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1"""
    leaver, peer = connected() if by_client else connected()[::-1]
    leaver.send(b"last words")
    leaver.close()
    peer_heard = leaver.take_datagrams()
    for datagram in peer_heard:
        peer.receive(datagram)
    assert peer.take_application_data() == [b"last words"]
    assert leaver.closed
    assert peer.closed
    [goodbye] = peer.take_datagrams()
    assert goodbye[0] == ALERT


def test_strangers_records_change_nothing() -> None:
    client, server = connected()
    server.receive(b"\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x09\x00\x20" + bytes(32))
    server.receive(bytes(200))
    server.receive(b"\x16")
    server.receive(b"")
    assert not server.closed
    client.send(b"still here")
    deliver_all(client, server)
    assert server.take_application_data() == [b"still here"]


def test_a_failing_handshake_closes_the_endpoint() -> None:
    client, _ = endpoints()
    client.start()
    alert = b"\x15\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x02\x28"
    with pytest.raises(DtlsError):
        client.receive(alert)
    assert client.closed
    client.receive(alert)
    client.tick()
