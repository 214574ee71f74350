"""Requests for a call of another worker go there: any worker answers for any call.

Workers share the port that clients post to, and so may hosts behind a load balancer; a
call is one worker's. Its id names that worker's tunnel address, where the worker also
takes HTTP, for calls of its own alone: what arrives there is never forwarded again. No
connection is made for an id that this cluster did not seal, so nobody outside it chooses
where one goes.
"""

import errno
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.call_id import CallIdError, CallIds
from transceiver.signaling.calls import CallNotFoundError
from transceiver.signaling.errors import ApiError
from transceiver.signaling.request_body import reading_body

TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=2)

_REQUEST_HEADERS = ("Authorization", "Content-Type")
_RESPONSE_HEADERS = ("Allow", "Content-Type", "Retry-After", "WWW-Authenticate")


class CallForwarding:
    """Sends requests about calls that are not `here`, this worker's, to their owners."""

    def __init__(self, keys: ClusterKeys, worker: Address, here: Callable[[str], bool]) -> None:
        """`worker` is this worker's own address in the ids of its calls."""
        self._worker = worker
        self._here = here
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Read ids under `keys`, old ones included, and under none other."""
        self._call_ids = CallIds(keys)

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold connections to the other workers for as long as the application runs."""
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            yield

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is for this worker by `handler`, the rest by its owner's answer."""
        call_id = request.match_info.get("call_id")
        owner = None if call_id is None else self._owner_elsewhere(call_id)
        return await (handler(request) if owner is None else self._forward(request, owner))

    def _owner_elsewhere(self, call_id: str) -> Address | None:
        """None where there is no other worker to ask."""
        if self._here(call_id):
            return None
        try:
            owner = self._call_ids.owner(call_id)
        except CallIdError:
            return None
        return None if owner == self._worker else owner

    async def _forward(self, request: web.Request, owner: Address) -> web.Response:
        """Raises CallNotFoundError where no worker is, ApiError (400, 408, 503)."""
        async with reading_body():
            body = await request.read()
        try:
            async with self._session.request(
                request.method,
                _url(request, owner),
                data=body,
                headers=_picked(request.headers, _REQUEST_HEADERS),
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as response:
                headers = _picked(response.headers, _RESPONSE_HEADERS)
                return web.Response(
                    status=response.status, body=await response.read(), headers=headers
                )
        except aiohttp.ClientConnectorError as error:
            gone = error.errno == errno.ECONNREFUSED
            raise (CallNotFoundError() if gone else _unreachable()) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable() from error


def _url(request: web.Request, owner: Address) -> URL:
    host, port = owner
    return URL.build(
        scheme="http",
        host=host,
        port=port,
        path=request.rel_url.raw_path,
        query_string=request.rel_url.raw_query_string,
        encoded=True,
    )


def _picked(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _unreachable() -> ApiError:
    return ApiError(
        503,
        "The server that holds the call cannot be reached. Please try again.",
        code="call_unreachable",
        type="server_error",
        headers={"Retry-After": "1"},
    )
