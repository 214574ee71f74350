"""Sessions of reflectors that are none."""

import aiohttp
import msgspec
import pytest
from aiohttp import web

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.relay.session_pool import SessionPool
from loadtest.measures.names import Failure
from loadtest.reflected_session import Session, SessionsGranted
from tests.loadtest.callers.hostile_http import Answer, answering, endless, redirect

SESSION = Session(0, 0, 0, "", "", "", "")


def granting(port: int, sessions: int) -> Answer:
    granted = SessionsGranted(("127.0.0.1", port), "", sessions * [SESSION])

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=msgspec.json.encode(granted))

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (endless, Failure.BAD_ANSWER),
        (redirect, Failure.REFUSED),
        (granting(1, 0), Failure.BAD_ANSWER),
        (granting(99_999, 1), Failure.BAD_ANSWER),
    ],
)
async def test_who_waits_for_a_session_is_told_that_there_is_none(
    answer: Answer, reason: Failure
) -> None:
    async with answering(answer) as url, aiohttp.ClientSession() as http:
        with pytest.raises(FailedCallError) as raised:
            await SessionPool(http, url).take()
    assert raised.value.reason is reason
