"""Signatures of webhooks, by which the application knows who sent them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
MAX_SECRETS = 4


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """The secrets that sign each event: several while one takes another's place."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "WebhookSecrets":
        """Read `whsec_...`, several with commas between them.

        Raises ValueError, which says nothing of the secrets themselves.
        """
        keys = tuple(_key(part.strip()) for part in text.split(","))
        if len(keys) > MAX_SECRETS:
            raise ValueError(f"expected at most {MAX_SECRETS} secrets")
        return cls(keys)

    def headers(self, event_id: str, unix_time: int, body: bytes) -> dict[str, str]:
        """What is sent beside `body` at `unix_time`; the same event has the same id each time."""
        signed = f"{event_id}.{unix_time}.".encode() + body
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(unix_time),
            "webhook-signature": " ".join(_signature(key, signed) for key in self.keys),
        }


def _signature(key: bytes, signed: bytes) -> str:
    digest = hmac.digest(key, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise ValueError(f"a webhook's secret begins with {PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"behind {PREFIX} stands base64") from None
    if len(key) not in KEY_BYTES:
        raise ValueError(f"a webhook's secret has {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes")
    return key
