"""Whoever traces its own request has the call that comes of it in the same trace.

The header is read once, by a parser that is bounded; only a request that is authenticated makes
a call. `tracestate` is left aside: nothing of ours is in it.
https://www.w3.org/TR/trace-context/
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from chassis.tracing.trace_context import trace_context
from transceiver.call_trace import asked_by

TRACEPARENT = "traceparent"


@web.middleware
async def trace_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have `asked_by` be the request's span while it is served."""
    token = asked_by.set(trace_context(request.headers.get(TRACEPARENT)))
    try:
        return await handler(request)
    finally:
        asked_by.reset(token)
