"""The line of a SIP credentials file: `USER:REALM:DIGEST`, with MD5 as `htdigest` writes it.

The digest is HA1: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.2
"""

import hashlib
import secrets
from collections.abc import Sequence

from chassis.settings import SettingError

DEFAULT_REALM = "antiphon"
DIGESTS = {"md5": hashlib.md5, "sha-256": hashlib.sha256, "sha256": hashlib.sha256}


def new_password() -> str:
    """Of 132 random bits: what its digest gives away is of no use."""
    return secrets.token_urlsafe(17)[:22]


def credentials_line(arguments: Sequence[str], password: str) -> str:
    """`arguments` are USER, maybe the name of a digest, and maybe a realm.

    Raises SettingError.
    """
    words = list(arguments)
    name = words.pop(1).lower() if words[1:] and words[1].lower() in DIGESTS else "md5"
    user, realm, *more = (words + ["", DEFAULT_REALM][len(words) :]) if words else ("", "")
    password = password.strip("\r\n")
    if not user or more or any(not each.isprintable() or ":" in each for each in (user, realm)):
        raise SettingError("expected: antiphon keys phone USER [md5 | sha-256] [REALM]")
    if not password:
        raise SettingError("expected a password on standard input")
    digest = DIGESTS[name](f"{user}:{realm}:{password}".encode()).hexdigest()
    return f"{user}:{realm}:{digest}"
