"""WebSocket subprotocols as the Realtime API's clients offer them.

A browser cannot set headers on a WebSocket, so that its key comes as a subprotocol, beside
`realtime`, which must be the one that is chosen: a browser fails the connection if none is.
Others, as `openai-beta.realtime-v1` or `openai-agents-sdk.VERSION`, mean nothing to us.
"""

from collections.abc import Mapping
from dataclasses import dataclass

HEADER = "Sec-WebSocket-Protocol"
REALTIME = "realtime"
_KEY = "openai-insecure-api-key."


@dataclass(frozen=True, slots=True)
class Subprotocols:
    """What a `Sec-WebSocket-Protocol` header offers; it is never to be logged."""

    offered: bool
    """Whether there are any: then one of them must be chosen."""
    realtime: bool
    key: str | None

    @classmethod
    def parse(cls, header: str | None) -> "Subprotocols":
        names = [name.strip() for name in (header or "").split(",")]
        keys = [name.removeprefix(_KEY) for name in names if name.startswith(_KEY)]
        return cls(any(names), REALTIME in names, keys[0] if keys else None)


def authorization(headers: Mapping[str, str]) -> str | None:
    """The `Authorization` of a request; a key among its subprotocols is a bearer key."""
    given = headers.get("Authorization")
    if given is not None:
        return given
    key = Subprotocols.parse(headers.get(HEADER)).key
    return f"Bearer {key}" if key else None
