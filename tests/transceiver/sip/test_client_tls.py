import datetime
import ssl
from pathlib import Path

import pytest

from antiphon.development_certificate import development_certificate
from transceiver.sip.client_tls import KEPT_S, ClientTls, ClientTlsError


def test_the_authorities_are_read_now_and_then(tmp_path: Path) -> None:
    made = development_certificate(tmp_path, ["sip.test"], datetime.datetime.now(datetime.UTC))
    now = [5.0]
    tls = ClientTls(str(made.certificate), lambda: now[0])
    first = tls.context()
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert first.cert_store_stats()["x509"] == 1
    assert tls.context() is first
    now[0] += KEPT_S + 1
    assert tls.context() is not first


def test_by_default_they_are_the_systems() -> None:
    assert ClientTls(None, lambda: 0.0).context().verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "no PEM"])
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClientTlsError, match=str(path)):
        ClientTls(str(path), lambda: 0.0).context()
