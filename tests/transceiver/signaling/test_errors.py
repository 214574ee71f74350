import asyncio
import logging

import pytest

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Client, Server, error_of

CALLS = "/v1/realtime/calls"
SDP = {"Content-Type": "application/sdp"}


async def test_a_fault_of_ours_is_logged_and_kept_from_the_client(
    client: Client, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.calls.failure = RuntimeError("the database password is hunter2")
    response = await client.post(CALLS, data=OFFER, headers=SDP)
    error = await error_of(response, 500)
    assert error["type"] == "server_error"
    assert "hunter2" not in await response.text()
    request_id = response.headers["X-Request-Id"]
    assert request_id in str(error["message"])
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert request_id in record.getMessage()
    assert record.exc_info is not None
    assert API_KEY not in caplog.text


async def test_every_request_has_its_id(client: Client) -> None:
    ids = {(await client.get("/v1/models")).headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2


async def test_unknown_paths_and_methods(client: Client) -> None:
    error = await error_of(await client.get("/v1/nothing"), 404)
    assert error["message"] == "Unknown request URL: GET /v1/nothing."
    response = await client.get(CALLS)
    await error_of(response, 405)
    assert response.headers["Allow"] == "POST"


async def send_raw(server: Server, data: bytes) -> bytes:
    host, _, port = server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


HEADER = (
    f"POST {CALLS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    f"Content-Type: application/sdp\r\nAuthorization: Bearer {API_KEY}\r\n"
).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01 this is TLS",
        b"GET / HTTP/1.1\r\nAuthorization Bearer sk-secret\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer sk-" + b"s" * 70_000 + b"\r\n\r\n",
        HEADER + b"Content-Length: 1000\r\n\r\nv=0\r\n",
        HEADER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nv=0\r\n",
        HEADER.replace(b"application/sdp", b"multipart/form-data; boundary=b")
        + b"Content-Length: 1000\r\n\r\n--b\r\n",
    ],
    ids=["tls", "header", "long header", "short body", "bad chunk", "short form"],
)
async def test_broken_http_harms_nothing_and_is_not_logged(
    client: Client, server: Server, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    answer = await send_raw(server, data)
    assert b" 500 " not in answer[:20]
    assert [record.getMessage() for record in caplog.records if record.levelno > 20] == []
    assert (await client.get("/v1/models")).status == 200
