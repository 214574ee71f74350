"""A certificate for `antiphon up --tls`: signed by nobody else, so to be trusted by hand."""

import contextlib
import datetime
import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = datetime.timedelta(days=397)
"""Browsers take none that is valid for longer."""
RENEW_BEFORE = datetime.timedelta(days=30)
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class DevelopmentCertificate:
    """PEM files of a self-signed certificate and its key."""

    certificate: Path
    key: Path
    sha256: str
    """The fingerprint that browsers show: pairs of hexadecimal digits with colons between."""

    def how_to_trust(self) -> str:
        """What to tell whoever connects, in lines."""
        return "\n".join(
            [
                f"Development certificate: {self.certificate}",
                f"  SHA-256 {self.sha256}",
                f"  trust it: curl --cacert {self.certificate}",
                f"            NODE_EXTRA_CA_CERTS={self.certificate} node ...",
                f"            SSL_CERT_FILE={self.certificate} python ... (and then it alone)",
                "            browsers: open the page, compare the fingerprint; or import it",
            ]
        )


def state_directory(environ: Mapping[str, str]) -> Path:
    """https://specifications.freedesktop.org/basedir-spec/latest/"""
    home = environ.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "antiphon"


def development_certificate(
    directory: Path, hosts: Iterable[str], now: datetime.datetime
) -> DevelopmentCertificate:
    """The one in `directory`, or a new one if that is not for all `hosts` or soon too old.

    `hosts` are names and IP addresses, beside those of the machine itself; `now` is aware.
    Raises OSError when it cannot be kept.
    """
    names = list(dict.fromkeys([*LOCAL_NAMES, *hosts]))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = directory / "tls.crt", directory / "tls.key"
    kept = _kept(certificate, key)
    if kept is None or not _serves(kept, names, now):
        private = ec.generate_private_key(ec.SECP256R1())
        kept = _signed(private, names, now)
        _write(key, _pem(private), 0o600)
        _write(certificate, kept.public_bytes(serialization.Encoding.PEM), 0o644)
    return DevelopmentCertificate(
        certificate, key, kept.fingerprint(hashes.SHA256()).hex(":").upper()
    )


def _kept(certificate: Path, key: Path) -> x509.Certificate | None:
    """The certificate, if its key is there too."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        kept = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        if private.public_key() == kept.public_key():
            return kept
    return None


def _serves(kept: x509.Certificate, names: list[str], now: datetime.datetime) -> bool:
    alternatives = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = all(_name(each) in alternatives for each in names)
    return covered and now < kept.not_valid_after_utc - RENEW_BEFORE


def _signed(
    private: ec.EllipticCurvePrivateKey, names: list[str], now: datetime.datetime
) -> x509.Certificate:
    # Python 3.13 and newer verify strictly: RFC 5280 wants these extensions of a certificate.
    itself = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Antiphon development")])
    public = private.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(itself)
        .issuer_name(itself)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(map(_name, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(private, hashes.SHA256())
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than `mode` says."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    fresh.replace(path)
