"""Requests for a call of another worker go there: any worker answers for any call.

Workers share the port that clients post to, and so may hosts behind a load balancer; a
call is one worker's. Its id names that worker's tunnel address, where the worker also
takes HTTP, for calls of its own alone: what arrives there is never forwarded again. No
connection is made for an id that this cluster did not seal, so nobody outside it chooses
where one goes.
"""

from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.call_id import CallIdError, CallIds
from transceiver.signaling.named_call import named_call
from transceiver.signaling.owner_link import (
    BODY_HEADERS,
    RESPONSE_HEADERS,
    picked,
    reaching_owner,
    url_at,
    whole_body,
)
from transceiver.signaling.regions import Regions
from transceiver.signaling.request_body import reading_body
from transceiver.signaling.websocket_forwarding import WebSocketForwarding
from transceiver.signaling.websocket_handshake import PATH as WEBSOCKET_PATH

TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=2)


class CallForwarding:
    """Sends requests about calls that are not `here`, this worker's, to their owners."""

    def __init__(
        self,
        keys: ClusterKeys,
        worker: Address,
        here: Callable[[str], bool],
        regions: Regions,
    ) -> None:
        """`worker` is this worker's own address in the ids of its calls; `regions` tell where
        clients are, which their calls' owners are told."""
        self._worker = worker
        self._here = here
        self._regions = regions
        self.websockets = WebSocketForwarding()
        self.use_keys(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Read ids under `keys`, old ones included, and under none other."""
        self._call_ids = CallIds(keys, self._regions.cluster_id)

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold connections to the other workers for as long as the application runs."""
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            yield

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is for this worker by `handler`, the rest by its owner's answer."""
        call_id = named_call(request)
        owner = None if call_id is None else self._owner_elsewhere(call_id)
        if owner is None:
            return await handler(request)
        if request.path == WEBSOCKET_PATH:
            return await self.websockets.forward(request, owner)
        return await self._forward(request, owner)

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
        told = self._regions.headers(self._regions.placement(request))
        headers = picked(request.headers, BODY_HEADERS) | told
        with reaching_owner():
            async with self._session.request(
                request.method,
                url_at(owner, request),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as response:
                return web.Response(
                    status=response.status,
                    body=await whole_body(response),
                    headers=picked(response.headers, RESPONSE_HEADERS),
                )
