"""What a pod sees of Kubernetes: an API server behind HTTPS, and a service account's files."""

import datetime
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from antiphon.development_certificate import development_certificate
from antiphon.kubernetes_api import PodAccess
from chassis.host_port import HostPort

TOKEN = "a-token"

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def pod_access(directory: Path, handler: Handler) -> AsyncIterator[PodAccess]:
    """`handler` answers requests for any path; who has not TOKEN gets 401."""
    certificate = development_certificate(
        directory / "tls", [], datetime.datetime.now(datetime.UTC)
    )
    account = directory / "serviceaccount"
    account.mkdir()
    (account / "token").write_text(f"{TOKEN}\n")
    shutil.copy(certificate.certificate, account / "ca.crt")

    async def authenticated(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        return await handler(request)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", authenticated)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield PodAccess(HostPort("127.0.0.1", runner.addresses[0][1]), account)
    finally:
        await runner.cleanup()
