"""The transceiver's HTTP front door: the Realtime API's signaling, health, the playground."""

import secrets
import time
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from chassis.admin import ReadyCheck, health_routes
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_endpoints import CallEndpoints
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.client_secret_endpoint import ClientSecretEndpoint
from transceiver.signaling.cors import cors_middleware
from transceiver.signaling.errors import error_middleware
from transceiver.signaling.forwarding import CallForwarding
from transceiver.signaling.models_endpoint import models_route
from transceiver.signaling.playground_page import playground_routes
from transceiver.signaling.protocol_log import protocol_logger

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
    *,
    models: Sequence[str] = ("cascade", "echo"),
    clock: Callable[[], float] = time.time,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> web.Application:
    """Build the application; it holds no state of its own.

    `models` are the names that GET /v1/models shows, `clock` gives Unix seconds,
    `random` as many bytes as asked for.
    """
    authenticator = Authenticator(keys, client_secrets, clock)
    app = _app(cors_middleware, error_middleware, forwarding.middleware)
    app.cleanup_ctx.append(forwarding.running)
    endpoints = CallEndpoints(calls, authenticator)
    app.add_routes([*endpoints.routes(), *endpoints.call_routes()])
    app.add_routes(ClientSecretEndpoint(client_secrets, authenticator, clock, random).routes())
    app.add_routes([models_route(models, authenticator), *health_routes(ready)])
    app.add_routes(playground_routes())
    return app


def forwarded_app(
    calls: CallFactory,
    keys: ApiKeys,
    client_secrets: ClientSecrets,
    *,
    clock: Callable[[], float] = time.time,
) -> web.Application:
    """Build what answers the requests that other workers forward: about this one's calls only."""
    app = _app(error_middleware)
    authenticator = Authenticator(keys, client_secrets, clock)
    app.add_routes(CallEndpoints(calls, authenticator).call_routes())
    return app


def _app(*middlewares: Middleware) -> web.Application:
    return web.Application(
        middlewares=middlewares,
        client_max_size=MAX_BODY_BYTES,
        handler_args={
            "max_line_size": MAX_HEADER_BYTES,
            "max_field_size": MAX_HEADER_BYTES,
            "logger": protocol_logger,
        },
    )
