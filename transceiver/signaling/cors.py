"""Cross-origin access, so that a page from anywhere can place a call from the browser.

Any origin is allowed: a request is authorised by its bearer key alone, never by
a cookie, so the browser adds nothing that another site could abuse.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from aiohttp import web
from aiohttp.typedefs import Handler

_API_PREFIX = "/v1/"

# `*` does not cover Authorization, and some browsers take `*` literally.
_ALLOWED_HEADERS = ", ".join(
    [
        "Authorization",
        "Content-Type",
        "OpenAI-Organization",
        "OpenAI-Project",
        "OpenAI-Safety-Identifier",
        "X-OpenAI-Agents-SDK",
        "*",
    ]
)
_EXPOSED_HEADERS = "Location, Retry-After, X-Request-Id"
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
    "Access-Control-Max-Age": "7200",
}


@web.middleware
async def cors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflight requests to the API, and let every origin read its responses."""
    if not request.path.startswith(_API_PREFIX):
        return await handler(request)
    response: web.StreamResponse
    if request.method == "OPTIONS":
        response = web.Response(status=204, headers=_PREFLIGHT_HEADERS)
    else:
        response = await handler(request)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    return response
