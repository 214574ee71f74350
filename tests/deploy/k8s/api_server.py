"""A Cluster behind HTTP, on the loopback."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from tests.deploy.k8s.cluster import Cluster

_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: fake, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: fake, context: {{cluster: fake, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
current-context: fake
"""


@contextlib.asynccontextmanager
async def served(cluster: Cluster) -> AsyncIterator[str]:
    """The text of a kubeconfig that leads to `cluster`."""
    application = web.Application(client_max_size=16 << 20)

    async def answer(request: web.Request) -> web.Response:
        reply = cluster.ask(
            request.method,
            request.path,
            dict(request.query),
            request.headers.get("Content-Type", ""),
            await request.read(),
        )
        if reply.body is None:
            return web.Response(status=reply.status, content_type="application/json")
        return web.json_response(reply.body, status=reply.status)

    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield _KUBECONFIG.format(port=runner.addresses[0][1])
    finally:
        await runner.cleanup()
