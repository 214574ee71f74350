"""The secret by which coordinator and workers know each other."""

import hmac
import re

AUTHORIZATION = "authorization"
"""The metadata that it comes in, as HTTP's header (RFC 6750)."""

_TOKEN = re.compile(r"[\x21-\x7e]{16,512}")


def parse_token(text: str) -> str:
    """What a token file holds. Raises ValueError, which does not quote it."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token is 16 to 512 printable characters of ASCII without spaces")
    return token


def credentials(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of every call."""
    return ((AUTHORIZATION, f"Bearer {token}"),)


def holds(token: str, presented: str) -> bool:
    """Whether this value of `authorization` shows the token, without telling how much of it."""
    return hmac.compare_digest(f"Bearer {token}".encode(), presented.encode())
