"""Counts each request against the rate of the API key that answers for it.

Where a client connects, not where its request is forwarded to, be it another cluster. What
comes without a key that is accepted is not counted: the endpoint refuses it.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.request_rate import Allowance
from transceiver.signaling.subprotocols import authorization

_ALLOWANCE = web.RequestKey("allowance", Allowance)


class RateLimiting:
    """Refuses requests that come too fast, and tells every client what it has left."""

    def __init__(
        self,
        authenticator: Authenticator,
        usage: KeyUsage,
        forwarded: Callable[[web.Request], bool] = lambda _request: False,
    ) -> None:
        """`forwarded` tells which requests were counted elsewhere."""
        self._authenticator = authenticator
        self._usage = usage
        self._forwarded = forwarded

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises ApiError (429)."""
        if self._forwarded(request):
            return await handler(request)
        caller = self._authenticator.recognise(authorization(request.headers))
        allowance = caller and self._usage.count_request(caller.key)
        if allowance:
            request[_ALLOWANCE] = allowance
            if allowance.wait_s:
                raise self._usage.refusal(allowance)
        return await handler(request)


async def show_allowance(request: web.Request, response: web.StreamResponse) -> None:
    """Add what is left to a response that is about to begin, whatever it says."""
    if _ALLOWANCE in request:
        response.headers.update(request[_ALLOWANCE].headers)
