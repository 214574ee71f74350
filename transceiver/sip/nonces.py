"""Nonces of digest challenges: nothing is kept of those that nobody answers.

     0                8               16                       32
    +----------------+---------------+------------------------+
    | issued, in us  | random        | HMAC-SHA256, truncated |
    +----------------+---------------+------------------------+

in unpadded base64url. The HMAC covers the network that was challenged, too: what was overheard
is of no use from elsewhere. The key is one worker's, for as long as it lives; requests of one
Call-ID come to one worker, and a nonce of another one is stale.

Of those that were answered rightly the highest count is kept (nc), which must grow: no request is
of use twice. https://www.rfc-editor.org/rfc/rfc7616#section-5.12
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Callable

LIFETIME_S = 300.0
MAX_ANSWERED = 8192
"""Nonces whose count is kept; beyond, those that were issued before the oldest are stale."""

_RANDOM_BYTES = 8
_MAC_BYTES = 16
_CHARS = 43


class Nonces:
    """One worker's. Times are of one clock, in seconds from 0 up."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        """`key` is 32 random bytes, `random` gives so many more."""
        self._key = key
        self._random = random
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._forgotten_until = -1.0

    def issue(self, network: bytes, now: float) -> str:
        content = int(now * 1e6).to_bytes(8, "big") + self._random(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(content + self._mac(content, network)).decode()[:_CHARS]

    def is_fresh(self, nonce: str, network: bytes, now: float) -> bool:
        """Whether it was issued here, to this network, not long ago."""
        issued = self._issued_at(nonce, network)
        if issued is None or not 0 <= now - issued <= LIFETIME_S:
            return False
        return issued > self._forgotten_until or nonce in self._answered

    def spend(self, nonce: str, count: int) -> bool:
        """Use a fresh nonce, which was answered rightly; False if the count was used before."""
        if count <= self._answered.get(nonce, 0):
            return False
        self._answered[nonce] = count
        if len(self._answered) > MAX_ANSWERED:
            oldest, _count = self._answered.popitem(last=False)
            self._forgotten_until = max(self._forgotten_until, _time_in(_decoded(oldest)))
        return True

    def _issued_at(self, nonce: str, network: bytes) -> float | None:
        if len(nonce) != _CHARS or not nonce.isascii():
            return None
        data = _decoded(nonce)
        content, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content, network)):
            return None
        return _time_in(data)

    def _mac(self, content: bytes, network: bytes) -> bytes:
        return hmac.digest(self._key, content + network, "sha256")[:_MAC_BYTES]


def _decoded(nonce: str) -> bytes:
    """Nothing for what is no nonce."""
    try:
        data = base64.b64decode(nonce + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    # Base64 has spare bits at its end: there is one text for each nonce.
    return data if base64.urlsafe_b64encode(data).decode()[:_CHARS] == nonce else b""


def _time_in(data: bytes) -> float:
    return int.from_bytes(data[:8], "big") / 1e6
