"""The request by which a call begins: an SDP offer over HTTP.

https://platform.openai.com/docs/api-reference/realtime/create-call
"""

import aiohttp
import msgspec

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
_SHOWN_OF_REFUSALS = 200


class Signaling:
    """One HTTP client for all calls of a fleet."""

    def __init__(self, target: Target) -> None:
        """Raises FleetError."""
        self._model = target.model
        self._http = http_client(target, timeout_s=PATIENCE_S)

    async def place(self, offer: str) -> RemoteDescription:
        """The answer. Raises FailedCallError."""
        try:
            body, headers = self._body(offer)
            async with self._http.post(PATH, data=body, headers=headers) as response:
                text = await response.text()
        except TimeoutError as error:
            raise FailedCallError(Failure.SIGNALING_TIMEOUT) from error
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise FailedCallError(Failure.UNREACHABLE, str(error)) from error
        if response.status not in (200, 201):
            shown = " ".join(text[:_SHOWN_OF_REFUSALS].split())
            raise FailedCallError(Failure.REFUSED, f"HTTP {response.status} {shown}")
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
