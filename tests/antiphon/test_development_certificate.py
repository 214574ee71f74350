import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from antiphon.development_certificate import (
    RENEW_BEFORE,
    VALID,
    development_certificate,
    state_directory,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_it_is_for_this_machine_and_the_hosts_that_are_asked_for(tmp_path: Path) -> None:
    made = development_certificate(tmp_path, ["192.0.2.7", "voice.test", "::1"], NOW)
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == [
        "localhost",
        "127.0.0.1",
        "::1",
        "192.0.2.7",
        "voice.test",
    ]
    assert certificate.not_valid_after_utc == NOW + VALID
    der = ssl.PEM_cert_to_DER_cert(made.certificate.read_text())
    assert (
        made.sha256.replace(":", "")
        == x509.load_der_x509_certificate(der)
        .fingerprint(
            certificate.signature_hash_algorithm  # type: ignore[arg-type]
        )
        .hex()
        .upper()
    )
    assert str(made.certificate) in made.how_to_trust()
    assert made.sha256 in made.how_to_trust()


def test_its_key_is_its_users_alone(tmp_path: Path) -> None:
    made = development_certificate(tmp_path / "state", [], NOW)
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert made.key.parent.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE KEY" not in made.how_to_trust()


def test_it_is_kept_so_that_it_is_trusted_once(tmp_path: Path) -> None:
    first = development_certificate(tmp_path, ["192.0.2.7"], NOW)
    later = NOW + VALID - RENEW_BEFORE - datetime.timedelta(days=1)
    assert development_certificate(tmp_path, ["192.0.2.7"], later) == first
    assert development_certificate(tmp_path, [], later) == first


def test_it_is_made_anew_for_another_host_or_when_it_is_old(tmp_path: Path) -> None:
    first = development_certificate(tmp_path, [], NOW)
    second = development_certificate(tmp_path, ["192.0.2.7"], NOW)
    third = development_certificate(tmp_path, ["192.0.2.7"], NOW + VALID - RENEW_BEFORE)
    assert len({first.sha256, second.sha256, third.sha256}) == 3


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
@pytest.mark.parametrize("content", [b"", b"\xff rubbish", None])
def test_files_that_are_damaged_are_replaced(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    first = development_certificate(tmp_path, [], NOW)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    second = development_certificate(tmp_path, [], NOW)
    assert second.sha256 != first.sha256
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(second.certificate, second.key)


def test_it_is_kept_where_the_user_keeps_state(tmp_path: Path) -> None:
    assert state_directory({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "antiphon"
    default = Path.home() / ".local" / "state" / "antiphon"
    assert state_directory({}) == state_directory({"XDG_STATE_HOME": "relative"}) == default
