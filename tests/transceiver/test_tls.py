"""HTTPS over real sockets, with certificates that change."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from antiphon.development_certificate import development_certificate
from transceiver.tls import TlsError, TlsFiles, TlsListener, TlsWatch

NOW = datetime.datetime.now(datetime.UTC)
PATIENCE_S = 10.0


def write_certificate(directory: Path, host: str = "one.test") -> TlsFiles:
    """Replace what is there by a fresh one."""
    for old in directory.glob("tls.*"):
        old.unlink()
    made = development_certificate(directory, [host], NOW)
    return TlsFiles(str(made.certificate), str(made.key))


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return write_certificate(tmp_path)


@dataclass
class HttpsServer:
    listener: TlsListener
    port: int

    async def get(
        self, name: str | None = None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> tuple[bytes, bytes]:
        """The certificate that a client is shown who asks for `name`, and the answer."""
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.maximum_version = newest
        trusting.load_verify_locations(self.listener._files.certificate)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=trusting, server_hostname=name or ""
        )
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        return certificate, answer


@pytest.fixture
async def server(files: TlsFiles) -> AsyncIterator[HttpsServer]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app, listener = web.Application(), TlsListener(files)
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=listener.context)
    await site.start()
    yield HttpsServer(listener, runner.addresses[0][1])
    await runner.cleanup()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", [None, "one.test", "another.test"])
async def test_a_renewed_certificate_is_shown_to_new_connections(
    server: HttpsServer, tmp_path: Path, name: str | None, newest: ssl.TLSVersion
) -> None:
    before, answer = await server.get(name, newest)
    assert answer.endswith(b"hello")
    write_certificate(tmp_path)
    server.listener.reload()
    after, answer = await server.get(name, newest)
    assert answer.endswith(b"hello")
    assert before != after
    assert after == ssl.PEM_cert_to_DER_cert((tmp_path / "tls.crt").read_text())


async def test_files_that_cannot_be_used_leave_the_certificate_of_before(
    server: HttpsServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, _answer = await server.get()
    (tmp_path / "tls.key").write_text("rubbish")
    server.listener.reload()
    after, _answer = await server.get()
    assert before == after
    assert "keeping the certificate of before" in caplog.text
    assert "rubbish" not in caplog.text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_plain_http_and_old_tls_harm_nothing(
    server: HttpsServer, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nAuthorization: Bearer sk-secret\r\n\r\n")
    assert not (await asyncio.wait_for(reader.read(), PATIENCE_S)).startswith(b"HTTP")
    writer.close()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await server.get(newest=ssl.TLSVersion.TLSv1_1)
    assert (await server.get())[1].endswith(b"hello")
    assert [record.getMessage() for record in caplog.records if record.levelno > 20] == []


def test_a_change_is_noticed_once_and_when_it_can_be_used(
    files: TlsFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = TlsWatch(files)
    assert not watch.changed()
    key = Path(files.key).read_text()
    write_certificate(tmp_path)
    renewed_key = Path(files.key).read_text()
    Path(files.key).write_text(key)
    assert not watch.changed()
    assert not watch.changed()
    assert len(caplog.records) == 1
    Path(files.key).write_text(renewed_key)
    assert watch.changed()
    assert not watch.changed()


@pytest.mark.parametrize("content", ["", "rubbish-of-the-key", None])
@pytest.mark.parametrize("broken", ["tls.crt", "tls.key"])
def test_files_that_cannot_be_used_are_named_and_not_quoted(
    files: TlsFiles, tmp_path: Path, broken: str, content: str | None
) -> None:
    (tmp_path / broken).unlink()
    if content is not None:
        (tmp_path / broken).write_text(content)
    with pytest.raises(TlsError, match=broken) as caught:
        files.load()
    assert "rubbish-of" not in str(caught.value)


def test_a_key_of_another_certificate_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = write_certificate(tmp_path / "other")
    with pytest.raises(TlsError, match="key values mismatch"):
        TlsFiles(files.certificate, other.key).load()
