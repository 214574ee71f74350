"""DTLS 1.2 endpoint that keys SRTP (RFC 5764) and carries the data channel, by OpenSSL.

It owns no socket: hand it datagrams with `receive`, call `tick` often, then drain
`take_datagrams` and `take_application_data`. OpenSSL keeps the retransmission
timers itself, on the wall clock.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from transceiver.fingerprint import Fingerprint
from transceiver.srtp import DTLS_PROFILES, SrtpKeys, SrtpProfile

MTU_BYTES = 1200
VALIDITY = timedelta(days=30)

_DTLS_1_2 = 0xFEFD
_RECORD_HEADER_BYTES = 13
_MAX_READ_BYTES = 65536

# The ClientHello offers no more than WebRTC needs, so that it fits beside our answer and
# our check into what a client's first check allows us to send (`AmplificationLimit`).
# Every peer has AES-128-GCM: https://www.rfc-editor.org/rfc/rfc8827#section-6.5
# Our certificate is ECDSA; what says RSA is for peers whose own is RSA.
_CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
_SIGNATURES = b"ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"


class DtlsError(Exception):
    """The handshake or the connection failed; the endpoint is closed."""


class DtlsCertificate:
    """A self-signed ECDSA P-256 certificate, and the OpenSSL context that offers it.

    One serves every session of a process: making a context costs more than a handshake.
    """

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self._fingerprint = Fingerprint.of(certificate.public_bytes(Encoding.DER))
        self.context = _context(certificate, key)

    @property
    def fingerprint(self) -> Fingerprint:
        return self._fingerprint


class DtlsEndpoint:
    """One side of a DTLS association.

    The peer is who it claims to be when its certificate matches every one of
    `remote_fingerprints`, which came by the signaling channel; until then no
    application data passes and there are no keys. `client` is our DTLS role.
    """

    def __init__(
        self,
        certificate: DtlsCertificate,
        remote_fingerprints: Sequence[Fingerprint],
        *,
        client: bool = True,
    ) -> None:
        if not remote_fingerprints:
            raise ValueError("a DTLS peer without a fingerprint cannot be authenticated")
        self._ssl = SSL.Connection(certificate.context, None)
        if client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self._ssl.set_ciphertext_mtu(MTU_BYTES)
        self._client = client
        self._remote_fingerprints = tuple(remote_fingerprints)
        self._keys: SrtpKeys | None = None
        self._closed = False
        self._datagrams: list[bytes] = []
        self._application_data: list[bytes] = []

    @property
    def client(self) -> bool:
        return self._client

    @property
    def srtp_keys(self) -> SrtpKeys | None:
        """The media keys; None until the handshake is done and the peer authenticated."""
        return self._keys

    @property
    def closed(self) -> bool:
        """Whether the association failed or either side closed it."""
        return self._closed

    def start(self) -> None:
        """Send the ClientHello when we are the client; a server waits. Raises DtlsError."""
        if self._client:
            self._shake_hands()

    def receive(self, datagram: bytes) -> None:
        """Handle one DTLS datagram; strangers' records are discarded.

        Raises DtlsError when the handshake fails or the fingerprint does not match.
        """
        if self._closed or not datagram:
            return
        self._ssl.bio_write(datagram)
        if self._keys is None:
            self._shake_hands()
        if self._keys is not None:
            self._read()

    def timeout(self) -> float | None:
        """Seconds until `tick` has something to retransmit; None when nothing waits."""
        return None if self._closed else self._ssl.DTLSv1_get_timeout()

    def tick(self) -> None:
        """Retransmit an unanswered flight when its time has come. Raises DtlsError."""
        if self._closed:
            return
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail("the peer does not answer the handshake", error)
        self._collect()

    def send(self, data: bytes) -> None:
        """Encrypt `data` as one record. Raises DtlsError unless connected."""
        if self._keys is None or self._closed:
            raise DtlsError("the association is not connected")
        try:
            self._ssl.send(data)
        except SSL.Error as error:
            self._fail("sending failed", error)
        self._collect()

    def close(self) -> None:
        """Say close_notify and drop the association; harmless when closed."""
        if self._closed:
            return
        self._say_goodbye()
        self._closed = True

    def take_datagrams(self) -> list[bytes]:
        """Hand over the datagrams to send since the last call."""
        taken, self._datagrams = self._datagrams, []
        return taken

    def take_application_data(self) -> list[bytes]:
        """Hand over what the peer sent since the last call, a record each."""
        taken, self._application_data = self._application_data, []
        return taken

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._collect()
            return
        except SSL.Error as error:
            self._collect()
            self._fail("the handshake failed", error)
        self._collect()
        self._authenticate()
        self._keys = self._export_keys()

    def _authenticate(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        der = certificate.public_bytes(Encoding.DER) if certificate else b""
        if not all(fingerprint.matches(der) for fingerprint in self._remote_fingerprints):
            self._say_goodbye()
            self._fail("the peer's certificate does not match its fingerprint")

    def _export_keys(self) -> SrtpKeys:
        """Derive the master keys: https://www.rfc-editor.org/rfc/rfc5764#section-4.2"""
        name = self._ssl.get_selected_srtp_profile().decode()
        if not name:
            self._say_goodbye()
            self._fail("the peer accepts none of our SRTP profiles")
        profile = SrtpProfile(name)
        key, salt = profile.key_length, profile.salt_length
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        return SrtpKeys(profile, *((client, server) if self._client else (server, client)))

    def _read(self) -> None:
        """Collect every record's content: one datagram may carry several."""
        try:
            while True:
                self._application_data.append(self._ssl.recv(_MAX_READ_BYTES))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error:
            self._closed = True
        self._collect()

    def _say_goodbye(self) -> None:
        # Without a finished handshake there is nothing to shut down.
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return
        self._collect()

    def _fail(self, reason: str, cause: Exception | None = None) -> NoReturn:
        self._closed = True
        raise DtlsError(reason) from cause

    def _collect(self) -> None:
        while True:
            try:
                written = self._ssl.bio_read(_MAX_READ_BYTES)
            except SSL.Error:
                return
            self._datagrams.extend(_datagrams(written))


def _datagrams(written: bytes) -> Iterator[bytes]:
    """Cut OpenSSL's output into datagrams of whole records.

    A memory BIO loses the boundaries that OpenSSL wrote; a record split over two
    datagrams would be discarded by the peer.
    """
    start = end = 0
    while end < len(written):
        length = _RECORD_HEADER_BYTES + int.from_bytes(written[end + 11 : end + 13], "big")
        if end > start and end + length - start > MTU_BYTES:
            yield written[start:end]
            start = end
        end += length
    yield written[start:]


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WebRTC")])
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


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_max_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # After the handshake only events pass, now and then; the buffers are 17 to 33 kB a call.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # Certificates are self-signed: the fingerprint authenticates them, not a chain.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_arguments: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(_CIPHERS)
    # pyOpenSSL has no call of its own for this; by default it is a third of the ClientHello.
    if Binding().lib.SSL_CTX_set1_sigalgs_list(context._context, _SIGNATURES) != 1:
        raise RuntimeError("OpenSSL does not know the signature algorithms of WebRTC")
    context.set_tlsext_use_srtp(":".join(profile.value for profile in DTLS_PROFILES).encode())
    return context
