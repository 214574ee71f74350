"""POST /v1/realtime/client_secrets.

https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret
"""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from antiphon_proto.realtime.json_decoding import decode
from antiphon_proto.realtime.session import RealtimeSession
from antiphon_proto.realtime.transcription_session import TranscriptionSession, shown_session
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.client_secret import BoundSession, ClientSecretError, ClientSecrets
from transceiver.signaling.errors import ApiError
from transceiver.signaling.request_body import json_body
from transceiver.signaling.sealed_token import NONCE_BYTES
from transceiver.signaling.session_config import layered_session

CLIENT_SECRETS_PATH = "/v1/realtime/client_secrets"
LONGEST_LIFETIME_S = 7200


class _Lifetime(msgspec.Struct):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, msgspec.Meta(ge=10, le=LONGEST_LIFETIME_S)] = 600


class _Request(msgspec.Struct):
    expires_after: _Lifetime = msgspec.field(default_factory=_Lifetime)
    session: msgspec.Raw = msgspec.Raw(b"{}")


class _Created(msgspec.Struct):
    value: str
    expires_at: int
    session: RealtimeSession | TranscriptionSession


_REQUEST = msgspec.json.Decoder(_Request)


class ClientSecretEndpoint:
    """Mints client secrets for the holders of API keys."""

    def __init__(
        self,
        client_secrets: ClientSecrets,
        authenticator: Authenticator,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._client_secrets = client_secrets
        self._authenticator = authenticator
        self._clock = clock
        self._random = random

    def routes(self) -> list[web.RouteDef]:
        return [web.post(CLIENT_SECRETS_PATH, self._create)]

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._authenticator.require_api_key(request.headers.get("Authorization"))
        wanted = decode(_REQUEST, await json_body(request))
        created = self._mint(wanted, caller.key.fingerprint)
        return web.Response(body=msgspec.json.encode(created), content_type="application/json")

    def _mint(self, wanted: _Request, issuer: str) -> _Created:
        given = bytes(wanted.session)
        session = layered_session(given=given)
        expires_at = int(self._clock()) + wanted.expires_after.seconds
        bound = BoundSession(given, expires_at, issuer)
        try:
            value = self._client_secrets.mint(bound, self._random(NONCE_BYTES))
        except ClientSecretError as error:
            raise ApiError(400, str(error), code="session_too_long", param="session") from error
        shown = msgspec.structs.replace(session, id=f"sess_{self._random(12).hex()}")
        return _Created(value, bound.expires_at, shown_session(shown))
