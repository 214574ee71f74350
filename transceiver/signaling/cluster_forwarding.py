"""Requests that another cluster should answer: a call where its client's zone wants it, or where
there is room; and whatever is about a call or session that another cluster has.

A request is sent on once: what arrives with a mark (see forward_mark) is answered here, well
or not. The other cluster judges keys and wording as this one does, and its answer comes back as
it is. Who is let in nowhere is refused here, and reaches no other cluster.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.regions.cluster_order import ClusterOrder
from transceiver.regions.counters import ClusterOutcome
from transceiver.signaling.call_id import CallIdError, CallIds
from transceiver.signaling.call_request import CallRequest
from transceiver.signaling.calls import CallRefusedError, RefusalReason
from transceiver.signaling.errors import ApiError
from transceiver.signaling.named_call import named_call
from transceiver.signaling.owner_link import (
    BODY_HEADERS,
    RESPONSE_HEADERS,
    TRACE_HEADERS,
    picked,
    unreachable,
    url_below,
    whole_body,
)
from transceiver.signaling.regions import Placement, Regions
from transceiver.signaling.request_body import reading_body
from transceiver.signaling.websocket_forwarding import (
    REQUEST_HEADERS,
    UpgradeRefusedError,
    WebSocketForwarding,
)
from transceiver.signaling.websocket_handshake import PATH as WEBSOCKET_PATH

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=2)
"""An offer is answered when an engine has taken the call."""

_CALL_HEADERS = ("Authorization", *TRACE_HEADERS)
_NOT_NOW = frozenset({502, 503, 504})
"""What a cluster, or the load balancer in front of it, says that takes no calls."""

Here = Callable[[Placement], Awaitable[web.StreamResponse]]
_There = Callable[[int, str, Placement], Awaitable[web.StreamResponse]]


class ClusterForwarding:
    """One a worker."""

    def __init__(
        self,
        regions: Regions,
        keys: ClusterKeys,
        websockets: WebSocketForwarding,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is monotonic."""
        self.regions = regions
        self._websockets = websockets
        self._order = ClusterOrder(regions.cluster_id)
        self._clock = clock
        self._read(keys)

    def use_keys(self, keys: ClusterKeys) -> None:
        """Believe marks and call ids under `keys`, and under none other."""
        self.regions.use_keys(keys)
        self._read(keys)

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold connections to the other clusters for as long as the application runs."""
        async with aiohttp.ClientSession() as self._session:
            yield

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is about another cluster's call by that cluster, the rest by `handler`."""
        cluster = self._holder(request)
        if cluster is None or cluster == self.regions.cluster_id:
            return await handler(request)
        api = self.regions.api(cluster, request)
        if api is None:
            return await handler(request)
        placement = self.regions.placement(request)
        try:
            if request.path == WEBSOCKET_PATH:
                return await self._carry(request, cluster, api, placement)
            return await self._hand_on(request, cluster, api, placement)
        except _NotTakenError as error:
            return error.response

    async def call(
        self, request: web.Request, wanted: CallRequest, here: Here
    ) -> web.StreamResponse:
        """Answer an offer by the first cluster of its client's zone that takes the call.

        `here` makes it in this one. Raises CallRefusedError, and what `here` raises.
        """
        return await self._first(request, here, self._offering(request, wanted))

    async def session(self, request: web.Request, here: Here) -> web.StreamResponse:
        """Serve a WebSocket by the first cluster of its client's zone that takes the session.

        `here` serves it in this one, and raises CallRefusedError before it upgrades the
        connection, or not at all. Raises what `call` raises.
        """
        return await self._first(request, here, partial(self._carry, request))

    async def resumed_call(
        self, request: web.Request, cluster: int, wanted: CallRequest, here: Here
    ) -> web.StreamResponse:
        """Answer the offer of a client whose session is in `cluster`.

        `here` goes on with what is kept of it, where that cluster is out of reach. Raises what
        `here` raises.
        """
        return await self._of(request, cluster, here, self._offering(request, wanted))

    async def resumed_session(
        self, request: web.Request, cluster: int, here: Here
    ) -> web.StreamResponse:
        """The same for a client that comes by WebSocket."""
        return await self._of(request, cluster, here, partial(self._carry, request))

    def _read(self, keys: ClusterKeys) -> None:
        self._call_ids = CallIds(keys, self.regions.cluster_id)

    def _holder(self, request: web.Request) -> int | None:
        """The cluster of the call that the request names, if it names one."""
        try:
            return self._call_ids.holder(named_call(request) or "").cluster_id
        except CallIdError:
            return None

    def _offering(self, request: web.Request, wanted: CallRequest) -> _There:
        async def there(cluster: int, api: str, placement: Placement) -> web.StreamResponse:
            headers = picked(request.headers, _CALL_HEADERS) | self.regions.headers(placement)
            return await self._ask(cluster, "POST", url_below(api, request), headers, wanted.form())

        return there

    async def _first(self, request: web.Request, here: Here, there: _There) -> web.StreamResponse:
        placement = self.regions.placement(request)
        self.regions.asked_for(placement)
        refusal: CallRefusedError | _NotTakenError | None = None
        for cluster in self._order.of(placement.clusters, self._clock()):
            try:
                if cluster == self.regions.cluster_id:
                    return await self._here_or_beside(request, placement, here, there)
                if api := self.regions.api(cluster, request):
                    return await there(cluster, api, placement)
            except (CallRefusedError, _NotTakenError) as error:
                if _is_the_clients(error):
                    raise
                refusal = refusal or error
        if isinstance(refusal, CallRefusedError):
            raise refusal
        return refusal.response if refusal else _nowhere().response()

    async def _here_or_beside(
        self, request: web.Request, placement: Placement, here: Here, there: _There
    ) -> web.StreamResponse:
        """Here, or where this cluster's load balancer finds a worker that has room."""
        own = self.regions.cluster_id
        try:
            return await here(placement)
        except CallRefusedError as error:
            api = self.regions.api(own, request)
            is_silent = self._order.is_silent(own, self._clock())
            if api is None or is_silent or _is_the_clients(error):
                raise
            try:
                return await there(own, api, placement)
            except _NotTakenError:
                raise error from None

    async def _of(
        self, request: web.Request, cluster: int, here: Here, there: _There
    ) -> web.StreamResponse:
        placement = self.regions.placement(request)
        api = self.regions.api(cluster, request)
        if api is None or cluster == self.regions.cluster_id:
            return await here(placement)
        try:
            return await there(cluster, api, placement)
        except _NotTakenError as error:
            try:
                return await here(placement)
            except ApiError as refusal:
                # It may be there still: that it is not here says nothing.
                if refusal.status == 404:
                    return error.response
                raise

    async def _hand_on(
        self, request: web.Request, cluster: int, api: str, placement: Placement
    ) -> web.Response:
        """Raises ApiError (400, 408), _NotTakenError."""
        async with reading_body():
            body = await request.read()
        headers = picked(request.headers, BODY_HEADERS) | self.regions.headers(placement)
        return await self._ask(cluster, request.method, url_below(api, request), headers, body)

    async def _ask(
        self,
        cluster: int,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | aiohttp.FormData,
    ) -> web.Response:
        """Raises _NotTakenError."""
        with self._reaching(cluster):
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, timeout=TIMEOUT
            ) as answer:
                response = web.Response(
                    status=answer.status,
                    body=await whole_body(answer),
                    headers=picked(answer.headers, RESPONSE_HEADERS),
                )
        return self._judged(cluster, response)

    async def _carry(
        self, request: web.Request, cluster: int, api: str, placement: Placement
    ) -> web.StreamResponse:
        """Raises ApiError (426), CallRefusedError, _NotTakenError."""
        headers = picked(request.headers, REQUEST_HEADERS) | self.regions.headers(placement)
        url = url_below(api, request)
        try:
            response = await self._websockets.carry(
                request, url, headers, lambda: self._reaching(cluster)
            )
        except UpgradeRefusedError as refusal:
            return self._judged(cluster, refusal.response)
        self._count(cluster, ClusterOutcome.ANSWERED)
        return response

    def _judged(self, cluster: int, response: web.Response) -> web.Response:
        """Raises _NotTakenError where another cluster may have room."""
        self._order.answered(cluster)
        if response.status in _NOT_NOW:
            self._count(cluster, ClusterOutcome.REFUSED)
            raise _NotTakenError(response)
        self._count(cluster, ClusterOutcome.ANSWERED)
        return response

    @contextmanager
    def _reaching(self, cluster: int) -> Iterator[None]:
        """Raises _NotTakenError where no answer comes."""
        try:
            yield
        except (aiohttp.ClientError, TimeoutError) as error:
            self._order.silent(cluster, self._clock())
            self._count(cluster, ClusterOutcome.UNREACHABLE)
            raise _NotTakenError(unreachable().response()) from error

    def _count(self, cluster: int, outcome: ClusterOutcome) -> None:
        self.regions.counters.clusters[cluster, outcome] += 1


class _NotTakenError(Exception):
    """The cluster does not take the request now; `response` says so to the client."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


def _is_the_clients(refusal: Exception) -> bool:
    """Whether it is the client that asks for too much, which no other worker should be asked."""
    return isinstance(refusal, CallRefusedError) and refusal.reason is RefusalReason.RATE_LIMITED


def _nowhere() -> ApiError:
    return ApiError(
        503,
        "No cluster that serves clients from there can be asked from here.",
        code="cluster_unknown",
        type="server_error",
    )
