"""Asks other transceiver workers, by HTTP at their tunnel addresses."""

from collections.abc import Callable

import aiohttp
from yarl import URL

from antiphon_proto.address import Address
from transceiver.resumption.peer_messages import (
    MAX_MESSAGE_BYTES,
    Answer,
    Letter,
    PeerMessageError,
    PeerSeal,
    Request,
)
from transceiver.sealed_bytes import NONCE_BYTES

PATH = "/v1/peer"
TIMEOUT = aiohttp.ClientTimeout(total=2, sock_connect=1)


class Peers:
    """Needs `connected` to be entered before anything is asked."""

    def __init__(
        self,
        seal: PeerSeal,
        *,
        random: Callable[[int], bytes],
        unix_time: Callable[[], float],
    ) -> None:
        self._seal = seal
        self._random = random
        self._unix_time = unix_time

    def connected(self) -> aiohttp.ClientSession:
        """The connections, to be closed by whoever asked for them."""
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session

    async def ask(self, worker: Address, request: Request) -> Answer | None:
        """What a worker answers; None where none does."""
        letter = Letter(self._unix_time(), request)
        body = self._seal.seal_request(letter, self._random(NONCE_BYTES))
        host, port = worker
        url = URL.build(scheme="http", host=host, port=port, path=PATH)
        try:
            async with self._session.post(url, data=body, allow_redirects=False) as response:
                length = response.content_length
                if response.status != 200 or length is None or length > MAX_MESSAGE_BYTES:
                    return None
                return self._seal.open_answer(await response.read())
        except (aiohttp.ClientError, TimeoutError, PeerMessageError):
            return None
