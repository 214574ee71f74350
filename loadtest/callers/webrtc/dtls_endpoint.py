"""DTLS of one call, by OpenSSL: keys for SRTP, and the records of the data channel.

https://www.rfc-editor.org/rfc/rfc5764, https://www.rfc-editor.org/rfc/rfc8827#section-6.5
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from loadtest.callers.webrtc.srtp_session import OFFERED, SrtpKeys, exported_bytes

MTU_BYTES = 1200
VALIDITY = timedelta(days=30)

_LABEL = b"EXTRACTOR-dtls_srtp"
_RECORD_HEADER_BYTES = 13
_READ_BYTES = 65536


class DtlsError(Exception):
    """The handshake failed."""


class DtlsCertificate:
    """A self-signed certificate and OpenSSL's context of it, for all calls of a process."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self.fingerprint = _fingerprint(certificate)
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_tlsext_use_srtp(OFFERED)
        # Who the peer is, its fingerprint in the SDP says.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context = context


class DtlsEndpoint:
    """One side. Send what `take_datagrams` hands out after each call of anything else."""

    def __init__(self, certificate: DtlsCertificate, fingerprint: str, *, client: bool) -> None:
        """`fingerprint` is what the peer's certificate must have."""
        self.keys: SrtpKeys | None = None
        """Once the handshake is done, and the peer is who it has to be."""
        self.closed = False
        """By the peer."""
        self._fingerprint = fingerprint
        self.client = client
        self._ssl = SSL.Connection(certificate.context, None)
        if client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self._ssl.set_ciphertext_mtu(MTU_BYTES)
        self._datagrams: list[bytes] = []

    def start(self) -> None:
        """Send the first flight, where that is ours to do. Raises DtlsError."""
        if self.client:
            self._shake_hands()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; the application's records in it. Raises DtlsError."""
        self._ssl.bio_write(datagram)
        if self.keys is None:
            self._shake_hands()
        return [] if self.keys is None else list(self._records())

    def retransmit(self) -> None:
        """Send a flight again whose time has come. Raises DtlsError."""
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsError(f"the handshake was not answered: {error}") from error
        self._collect()

    def send(self, record: bytes) -> None:
        """Of the application; dropped where the peer closed."""
        try:
            self._ssl.send(record)
        except SSL.Error:
            self.closed = True
        self._collect()

    def close(self) -> None:
        """Say goodbye."""
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return  # Before the end of the handshake there is nobody to say it to.
        self._collect()

    def take_datagrams(self) -> list[bytes]:
        taken, self._datagrams = self._datagrams, []
        return taken

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self._collect()
            raise DtlsError(f"the handshake failed: {error}") from error
        else:
            self.keys = self._authentic_keys()
        self._collect()

    def _authentic_keys(self) -> SrtpKeys:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None or _fingerprint(certificate) != self._fingerprint:
            raise DtlsError("the certificate is not the one of the SDP")
        profile = self._ssl.get_selected_srtp_profile()
        if not profile:
            raise DtlsError("no SRTP profile was agreed on")
        material = self._ssl.export_keying_material(_LABEL, exported_bytes(profile))
        return SrtpKeys.exported(profile, material, client=self.client)

    def _records(self) -> Iterator[bytes]:
        while True:
            try:
                yield self._ssl.recv(_READ_BYTES)
            except SSL.WantReadError:
                break
            except SSL.Error:
                self.closed = True
                break
        self._collect()

    def _collect(self) -> None:
        """OpenSSL hands out a flight as one run of bytes: cut it into its records."""
        try:
            flight = self._ssl.bio_read(_READ_BYTES)
        except SSL.WantReadError:
            return
        at = 0
        while at < len(flight):
            length = _RECORD_HEADER_BYTES + int.from_bytes(flight[at + 11 : at + 13], "big")
            self._datagrams.append(flight[at : at + length])
            at += length


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "caller")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALIDITY)
        .sign(key, hashes.SHA256())
    )
