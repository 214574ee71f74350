"""Serves the playground: the demo and debugging page, and its scripts and styles."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

_CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def playground_routes() -> list[web.RouteDef]:
    """One fixed route per file of the page, read once: no path is ever taken from a request."""
    folder = files("transceiver.signaling") / "playground"
    routes = [_route(f"/playground/{entry.name}", entry) for entry in folder.iterdir()]
    return [_route("/", folder / "index.html"), *routes]


def _route(path: str, entry: Traversable) -> web.RouteDef:
    suffix = entry.name[entry.name.rindex(".") :]
    content, content_type = entry.read_bytes(), _CONTENT_TYPES[suffix]

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(
            body=content, content_type=content_type, charset="utf-8", headers=_HEADERS
        )

    return web.get(path, serve)
