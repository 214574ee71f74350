"""All of a worker that speaks HTTP, put together: to clients, to other workers, to the admin."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web
from prometheus_client import CollectorRegistry

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.admin import serve_admin
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.forwarding import CallForwarding
from transceiver.signaling.http import forwarded_app, signaling_app
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.regions import Regions
from transceiver.signaling.sessions import Sessions
from transceiver.sockets import TransceiverSockets
from transceiver.tls import TlsListener
from transceiver.worker_calls import WorkerCalls
from transceiver.worker_resumption import WorkerResumption
from transceiver.worker_sip import WorkerSip


class WorkerSignaling:
    """Uses `calls` and `sessions`, which are the worker's."""

    def __init__(
        self,
        keys: ClusterKeys,
        api_keys: ApiKeys,
        usage: KeyUsage,
        allowed_origins: AllowedOrigins,
        resumption: WorkerResumption,
        regions: Regions,
        *,
        here: Address,
        calls: WorkerCalls,
        sessions: Sessions,
        flush: Callable[[], None],
        not_ready: Callable[[], str | None],
        sip: WorkerSip | None = None,
    ) -> None:
        """`here` is this worker's tunnel address, `flush` sends what the calls have."""
        self._client_secrets = ClientSecrets(keys)
        self._forwarding = CallForwarding(keys, here, calls.__contains__, regions)
        self._clusters = ClusterForwarding(
            regions,
            keys,
            self._forwarding.websockets,
            clock=time.monotonic,
        )
        self._not_ready = not_ready
        self._public = signaling_app(
            calls,
            api_keys,
            self._client_secrets,
            not_ready,
            self._forwarding,
            self._clusters,
            sessions=sessions,
            usage=usage,
            allowed_origins=allowed_origins,
            flush=flush,
            resuming=resumption.resuming,
            others=sip.routes() if sip else (),
        )
        self._forwarded = forwarded_app(
            calls,
            api_keys,
            self._client_secrets,
            placement=regions.marked_placement,
            usage=usage,
            allowed_origins=allowed_origins,
            flush=flush,
            sessions=sessions,
            resuming=resumption.resuming,
            peers=resumption.peer_endpoint,
            others=sip.link.routes() if sip else (),
        )

    def use_keys(self, keys: ClusterKeys) -> None:
        self._client_secrets.use_keys(keys)
        self._forwarding.use_keys(keys)
        self._clusters.use_keys(keys)

    async def serve(
        self,
        stack: AsyncExitStack,
        sockets: TransceiverSockets,
        index: int,
        tls: TlsListener | None,
        registry: CollectorRegistry,
    ) -> None:
        """Serve until the stack is left, on the sockets of the worker of this index."""
        for app, listening, ssl_context in (
            (self._public, sockets.http, tls.context if tls else None),
            (self._forwarded, sockets.peers[index], None),
        ):
            runner = web.AppRunner(
                app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listening, ssl_context=ssl_context).start()
        admin, _address = await serve_admin(sockets.admins[index], registry, self._not_ready)
        stack.push_async_callback(admin.cleanup)
