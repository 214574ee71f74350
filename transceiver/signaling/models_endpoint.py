"""GET /v1/models: what may be asked for as a session's model.

https://platform.openai.com/docs/api-reference/models/list
"""

from collections.abc import Sequence

from aiohttp import web

from transceiver.signaling.authentication import Authenticator


def models_route(models: Sequence[str], authenticator: Authenticator) -> web.RouteDef:
    """The list of `models`, the default one first."""
    entries = [
        {"id": model, "object": "model", "created": 0, "owned_by": "antiphon"} for model in models
    ]

    async def list_models(request: web.Request) -> web.Response:
        authenticator.identify(request.headers.get("Authorization"))
        return web.json_response({"object": "list", "data": entries})

    return web.get("/v1/models", list_models)
