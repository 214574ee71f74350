"""By real servers, for the errors are aiohttp's and OpenSSL's."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from antiphon.development_certificate import development_certificate
from antiphon.unreachable import why_unreachable


@asynccontextmanager
async def server(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """One that closes what it gets; its port."""

    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(close, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def why(port: int) -> str:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError) as failure:
            await http.get(f"https://127.0.0.1:{port}/")
    return why_unreachable(failure.value)


async def test_a_certificate_that_is_not_trusted_is_named_as_the_reason(tmp_path: Path) -> None:
    made = development_certificate(tmp_path, [], datetime.datetime.now(datetime.UTC))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    async with server(tls) as port:
        assert await why(port) == (
            "its certificate is not trusted (self-signed certificate);"
            " SSL_CERT_FILE may name a certificate to trust"
        )


async def test_a_server_without_tls_is_told_from_one_that_is_not_there() -> None:
    async with server(None) as port:
        assert (await why(port)).startswith("no TLS there: ")
    assert await why(port) == "Connection refused"


def test_silence_is_told_as_such() -> None:
    assert why_unreachable(TimeoutError()) == "no answer in time"
