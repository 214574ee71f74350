"""The transceiver's HTTP front door: the Realtime API's signaling, health, the playground."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chassis.admin import ReadyCheck, health_routes
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_creation import CallCreation
from transceiver.signaling.call_endpoints import CallEndpoints
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.client_secret_endpoint import ClientSecretEndpoint
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.cors import AllowedOrigins, cors_middleware
from transceiver.signaling.errors import error_middleware
from transceiver.signaling.forwarding import CallForwarding
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.models_endpoint import models_route
from transceiver.signaling.peer_endpoint import PeerEndpoint
from transceiver.signaling.playground_page import playground_routes
from transceiver.signaling.protocol_log import protocol_logger
from transceiver.signaling.rate_limiting import RateLimiting, show_allowance
from transceiver.signaling.regions import Placement
from transceiver.signaling.resumed_websocket import ResumedWebSockets
from transceiver.signaling.resuming import RESUME, Resuming
from transceiver.signaling.sessions import Sessions
from transceiver.signaling.sideband_endpoint import SidebandEndpoint
from transceiver.signaling.sip_endpoints import SipEndpoints
from transceiver.signaling.trace_middleware import trace_middleware
from transceiver.signaling.websocket import WebSocketEndpoint
from transceiver.signaling.websocket_handshake import PATH as WEBSOCKET_PATH

MAX_BODY_BYTES = 512 * 1024
"""An offer of 64 KiB and a session with long instructions and many tools fit."""

MAX_HEADER_BYTES = 64 * 1024
"""A client secret with long instructions must fit in one `Authorization` line."""


def signaling_app(
    calls: CallFactory,
    keys: ApiKeys,
    client_secrets: ClientSecrets,
    ready: ReadyCheck,
    forwarding: CallForwarding,
    clusters: ClusterForwarding,
    *,
    sessions: Sessions | None = None,
    models: Sequence[str] = ("cascade", "echo"),
    usage: KeyUsage | None = None,
    allowed_origins: AllowedOrigins = AllowedOrigins(),  # noqa: B008 - it is frozen
    flush: Callable[[], None] = lambda: None,
    resuming: Resuming | None = None,
    others: Iterable[web.RouteDef] = (),
    clock: Callable[[], float] = time.time,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> web.Application:
    """Build the application; it holds no state of its own.

    `sessions` are opened over WebSockets, `models` are the names that GET /v1/models shows,
    `usage` limits what keys may use (by default what their lines say), pages of
    `allowed_origins` may call, `flush` sends what is queued for engines and clients, `resuming`
    finds sessions that go on, `others` are routes beside the API's, `clock` gives Unix seconds,
    `random` as many bytes as asked for.
    """
    usage = usage or KeyUsage(time.monotonic)
    authenticator = Authenticator(keys, client_secrets, clock, usage.refused)
    limiting = RateLimiting(authenticator, usage, clusters.regions.forwarded)
    app = _app(
        cors_middleware(allowed_origins),
        error_middleware,
        limiting.middleware,
        clusters.middleware,
        forwarding.middleware,
    )
    app.on_response_prepare.append(show_allowance)
    app.cleanup_ctx.extend([forwarding.running, forwarding.websockets.running, clusters.running])
    app.on_shutdown.append(forwarding.websockets.shut_down)
    app.add_routes(CallCreation(calls, authenticator, usage, clusters, resuming).routes())
    endpoints = CallEndpoints(calls, authenticator, clusters.regions.placement)
    app.add_routes(endpoints.call_routes())
    app.add_routes(SipEndpoints(calls, authenticator).call_routes())
    if sessions is not None:
        sidebands = SidebandEndpoint(calls, authenticator, allowed_origins, flush)
        resumed = None
        if resuming is not None:
            resumed = ResumedWebSockets(
                sessions,
                resuming,
                authenticator,
                usage,
                allowed_origins,
                forwarding.websockets,
                clusters,
            )
            app.on_shutdown.append(resumed.shut_down)
        sockets = WebSocketEndpoint(
            sessions, authenticator, usage, allowed_origins, sidebands, resumed, clusters
        )
        app.add_routes(sockets.routes())
        app.on_shutdown.extend([sockets.shut_down, sidebands.shut_down])
    app.add_routes(ClientSecretEndpoint(client_secrets, authenticator, clock, random).routes())
    app.add_routes([models_route(models, authenticator), *health_routes(ready)])
    app.add_routes([*playground_routes(), *others])
    return app


def forwarded_app(
    calls: CallFactory,
    keys: ApiKeys,
    client_secrets: ClientSecrets,
    *,
    placement: Callable[[web.Request], Placement] = lambda _request: Placement(()),
    usage: KeyUsage | None = None,
    allowed_origins: AllowedOrigins = AllowedOrigins(),  # noqa: B008 - it is frozen
    flush: Callable[[], None] = lambda: None,
    sessions: Sessions | None = None,
    resuming: Resuming | None = None,
    peers: PeerEndpoint | None = None,
    others: Iterable[web.RouteDef] = (),
    clock: Callable[[], float] = time.time,
) -> web.Application:
    """Build what answers the requests that other workers forward: about this one's calls only.

    `placement` says where their clients are, `peers` is what workers ask each other without
    being asked themselves, `others` too.
    """
    app = _app(error_middleware)
    usage = usage or KeyUsage(time.monotonic)
    authenticator = Authenticator(keys, client_secrets, clock, usage.refused)
    app.add_routes(CallEndpoints(calls, authenticator, placement).call_routes())
    app.add_routes(SipEndpoints(calls, authenticator).call_routes())
    sidebands = SidebandEndpoint(calls, authenticator, allowed_origins, flush)
    serve: Handler = sidebands.serve
    app.on_shutdown.append(sidebands.shut_down)
    if sessions is not None and resuming is not None:
        resumed = ResumedWebSockets(sessions, resuming, authenticator, usage, allowed_origins)
        app.on_shutdown.append(resumed.shut_down)
        serve = _by_query(RESUME, resumed.serve, sidebands.serve)
    app.add_routes([web.get(WEBSOCKET_PATH, serve, allow_head=False)])
    if peers is not None:
        app.add_routes(peers.routes())
    app.add_routes(others)
    return app


def _by_query(name: str, has: Handler, has_not: Handler) -> Handler:
    """What serves requests that have a member of the query, and those that have not."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return await (has(request) if name in request.query else has_not(request))

    return serve


def _app(*middlewares: Middleware) -> web.Application:
    return web.Application(
        middlewares=(trace_middleware, *middlewares),
        client_max_size=MAX_BODY_BYTES,
        handler_args={
            "max_line_size": MAX_HEADER_BYTES,
            "max_field_size": MAX_HEADER_BYTES,
            "logger": protocol_logger,
        },
    )
