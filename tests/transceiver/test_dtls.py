"""Two of our endpoints over an in-memory link that can lose, duplicate and reorder."""

import contextlib
import random
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from transceiver import dtls
from transceiver.dtls import MTU_BYTES, DtlsCertificate, DtlsEndpoint, DtlsError
from transceiver.fingerprint import Fingerprint
from transceiver.srtp import SrtpReceiver, SrtpSender

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


def test_the_handshake_survives_loss_by_retransmission() -> None:
    client, server = endpoints()
    client.start()
    losses = random.Random(3)
    deadline = time.monotonic() + 60
    while client.srtp_keys is None or server.srtp_keys is None:
        assert time.monotonic() < deadline
        deliver_all(client, server, lambda: losses.random() < 0.3)
        waits = [wait for wait in (client.timeout(), server.timeout()) if wait is not None]
        time.sleep(min(waits, default=0.05))
        client.tick()
        server.tick()


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


def test_closing_says_so_to_the_peer() -> None:
    client, server = connected()
    client.close()
    deliver_all(client, server)
    assert client.closed
    assert server.closed


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
