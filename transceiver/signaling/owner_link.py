"""What requests that go to another worker have in common, whatever is asked there."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from antiphon_proto.address import Address
from transceiver.signaling.calls import CallNotFoundError
from transceiver.signaling.errors import ApiError

RESPONSE_HEADERS = (
    "Allow",
    "Content-Type",
    "Location",
    "Retry-After",
    "Upgrade",
    "WWW-Authenticate",
)
MAX_ANSWER_BYTES = 1 << 20
"""No answer of ours has more."""

TRACE_HEADERS = ("traceparent", "tracestate")
"""https://www.w3.org/TR/trace-context/"""

BODY_HEADERS = ("Authorization", "Content-Type", *TRACE_HEADERS)
"""What goes on with a request that has a body."""


def url_at(owner: Address, request: web.Request) -> URL:
    """What `request` asks for, at the tunnel address `owner`."""
    host, port = owner
    return URL.build(
        scheme="http",
        host=host,
        port=port,
        path=request.rel_url.raw_path,
        query_string=request.rel_url.raw_query_string,
        encoded=True,
    )


def url_below(api: str, request: web.Request) -> URL:
    """The same, at the URL of another cluster's API."""
    return URL(f"{api}{request.rel_url.raw_path_qs}", encoded=True)


def picked(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Those of `headers` that are named, and are there."""
    return {name: headers[name] for name in names if name in headers}


async def whole_body(answer: aiohttp.ClientResponse) -> bytes:
    """Raises aiohttp.ClientError for one beyond all reason."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            answer.close()
            raise aiohttp.ClientPayloadError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


@contextmanager
def reaching_owner() -> Iterator[None]:
    """Raises CallNotFoundError where no worker is any more, ApiError (503) where it is silent."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        gone = error.errno == errno.ECONNREFUSED
        raise (CallNotFoundError() if gone else unreachable()) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise unreachable() from error


def unreachable() -> ApiError:
    """The error (503) for a call whose server is silent."""
    return ApiError(
        503,
        "The server that holds the call cannot be reached. Please try again.",
        code="call_unreachable",
        type="server_error",
        headers={"Retry-After": "1"},
    )
