"""The request by which a call begins: an SDP offer over HTTP.

https://platform.openai.com/docs/api-reference/realtime/create-call
"""

import aiohttp
import msgspec

from loadtest.callers.bounded_body import LongBodyError, read_body
from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import Target
from loadtest.callers.http_client import http_client
from loadtest.callers.webrtc.session_description import (
    AnswerError,
    RemoteDescription,
    parse_answer,
)
from loadtest.measures.names import Failure

PATIENCE_S = 20.0
PATH = "/v1/realtime/calls"
MOST_BYTES = 1 << 18
"""Of an answer: those of browsers have some thousands."""


class Signaling:
    """One HTTP client for all calls of a fleet."""

    def __init__(self, target: Target) -> None:
        """Raises FleetError."""
        self._model = target.model
        self._http = http_client(target, timeout_s=PATIENCE_S)

    async def place(self, offer: str) -> RemoteDescription:
        """The answer. Raises FailedCallError.

        Who sends the request on to somewhere else refuses it: that is not what is tested.
        """
        try:
            body, headers = self._body(offer)
            posted = self._http.post(PATH, data=body, headers=headers, allow_redirects=False)
            async with posted as response:
                text = (await read_body(response, MOST_BYTES)).decode(errors="replace")
        except TimeoutError as error:
            raise FailedCallError(Failure.SIGNALING_TIMEOUT) from error
        except LongBodyError as error:
            raise FailedCallError(Failure.BAD_ANSWER, str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise FailedCallError(Failure.UNREACHABLE, str(error)) from error
        if response.status not in (200, 201):
            raise FailedCallError(Failure.REFUSED, f"HTTP {response.status} {text}")
        try:
            return parse_answer(text)
        except AnswerError as error:
            raise FailedCallError(Failure.BAD_ANSWER, str(error)) from error

    async def close(self) -> None:
        await self._http.close()

    def _body(self, offer: str) -> tuple[str | aiohttp.FormData, dict[str, str]]:
        """And its headers."""
        if not self._model:
            return offer, {"Content-Type": "application/sdp"}
        session = msgspec.json.encode({"type": "realtime", "model": self._model}).decode()
        form = aiohttp.FormData()
        form.add_field("sdp", offer, content_type="application/sdp")
        form.add_field("session", session, content_type="application/json")
        return form, {}
