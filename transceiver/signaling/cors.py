"""Cross-origin access, so that a page from elsewhere can place a call from the browser.

Any origin is allowed unless a setting names some: a request is authorised by its bearer
key alone, never by a cookie, so the browser adds nothing that another site could abuse.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_API_PREFIX = "/v1/"
_ORIGIN = re.compile(r"https?://[^/\s?#@,]+")

# `*` does not cover Authorization, and some browsers take `*` literally.
_ALLOWED_HEADERS = ", ".join(
    [
        "Authorization",
        "traceparent",
        "tracestate",
        "Content-Type",
        "OpenAI-Organization",
        "OpenAI-Project",
        "OpenAI-Safety-Identifier",
        "X-OpenAI-Agents-SDK",
        "*",
    ]
)
_EXPOSED_HEADERS = ", ".join(
    [
        "Location",
        "Retry-After",
        "X-Request-Id",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ]
)
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
    "Access-Control-Max-Age": "7200",
}


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The origins whose pages may call the API; None: all."""

    origins: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> "AllowedOrigins":
        """Read `*`, or origins with commas between them. Raises ValueError."""
        origins = [origin.strip().lower() for origin in text.split(",")]
        if origins == ["*"]:
            return cls()
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"expected * or origins like https://app.example, not {origin!r}")
        return cls(frozenset(origins))

    def __str__(self) -> str:
        return "*" if self.origins is None else ",".join(sorted(self.origins))

    def allow(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect by WebSocket; None: it is no page.

        Browsers ask nobody before they do, and let the page read what comes.
        """
        return origin is None or self.origins is None or origin.lower() in self.origins

    def headers(self, origin: str | None) -> dict[str, str]:
        """What a response to a request of this origin says."""
        if self.origins is None:
            return {"Access-Control-Allow-Origin": "*"}
        # A cache must not answer one origin with what was meant for another.
        allowed = {"Vary": "Origin"}
        if origin is not None and origin.lower() in self.origins:
            allowed["Access-Control-Allow-Origin"] = origin
        return allowed


def cors_middleware(allowed: AllowedOrigins) -> Middleware:
    """Answers preflight requests to the API, and lets pages of these origins read responses."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(_API_PREFIX):
            return await handler(request)
        response: web.StreamResponse
        if request.method == "OPTIONS":
            response = web.Response(status=204, headers=_PREFLIGHT_HEADERS)
        else:
            response = await handler(request)
        response.headers.update(allowed.headers(request.headers.get("Origin")))
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        return response

    return middleware
