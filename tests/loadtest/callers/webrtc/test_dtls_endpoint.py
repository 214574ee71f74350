import pylibsrtp
import pytest

from loadtest.callers.webrtc.dtls_endpoint import DtlsCertificate, DtlsEndpoint, DtlsError
from loadtest.callers.webrtc.srtp_session import SrtpSession, is_replay

RTP = bytes.fromhex("806f000100000000deadbeef") + b"twenty milliseconds"


@pytest.fixture(scope="module")
def certificates() -> tuple[DtlsCertificate, DtlsCertificate]:
    return DtlsCertificate(), DtlsCertificate()


Pair = tuple[DtlsEndpoint, DtlsEndpoint]


def shaken(one: DtlsCertificate, other: DtlsCertificate, fingerprint: str | None = None) -> Pair:
    client = DtlsEndpoint(one, fingerprint or other.fingerprint, client=True)
    server = DtlsEndpoint(other, one.fingerprint, client=False)
    client.start()
    for _ in range(10):
        for datagram in client.take_datagrams():
            assert len(datagram) <= 1200
            server.receive(datagram)
        for datagram in server.take_datagrams():
            client.receive(datagram)
    return client, server


def test_both_sides_have_keys_that_fit(
    certificates: tuple[DtlsCertificate, DtlsCertificate],
) -> None:
    client, server = shaken(*certificates)

    assert client.keys is not None
    assert server.keys is not None
    ours, theirs = SrtpSession(client.keys), SrtpSession(server.keys)
    assert theirs.unprotect(ours.protect(RTP)) == RTP
    assert ours.unprotect(theirs.protect(RTP)) == RTP


def test_forged_and_repeated_packets_are_told_apart(
    certificates: tuple[DtlsCertificate, DtlsCertificate],
) -> None:
    client, server = shaken(*certificates)
    assert client.keys is not None
    assert server.keys is not None
    packet, theirs = SrtpSession(client.keys).protect(RTP), SrtpSession(server.keys)

    with pytest.raises(pylibsrtp.Error) as forged:
        theirs.unprotect(packet[:-1] + bytes([packet[-1] ^ 1]))
    theirs.unprotect(packet)
    with pytest.raises(pylibsrtp.Error) as repeated:
        theirs.unprotect(packet)

    assert not is_replay(forged.value)
    assert is_replay(repeated.value)


def test_a_certificate_that_the_sdp_does_not_name_is_refused(
    certificates: tuple[DtlsCertificate, DtlsCertificate],
) -> None:
    one, other = certificates
    with pytest.raises(DtlsError, match="not the one of the SDP"):
        shaken(one, other, fingerprint=one.fingerprint)


def test_carries_records_and_says_goodbye(
    certificates: tuple[DtlsCertificate, DtlsCertificate],
) -> None:
    client, server = shaken(*certificates)
    client.send(b"record")
    client.close()

    records = [record for each in client.take_datagrams() for record in server.receive(each)]

    assert records == [b"record"]
    assert server.closed


def test_noise_is_no_handshake(certificates: tuple[DtlsCertificate, DtlsCertificate]) -> None:
    one, other = certificates
    server = DtlsEndpoint(one, other.fingerprint, client=False)
    server.receive(b"\x16noise")

    assert server.keys is None
