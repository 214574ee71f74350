"""Requests to servers that are none."""

import pytest

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import Target
from loadtest.callers.webrtc.signaling import Signaling
from loadtest.measures.names import Failure
from tests.loadtest.callers.hostile_http import Answer, answering, endless, redirect


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (endless, Failure.BAD_ANSWER, "more than 262144 bytes"),
        (redirect, Failure.REFUSED, "HTTP 307"),
    ],
)
async def test_answers_are_bounded_and_from_who_was_asked(
    answer: Answer, reason: Failure, detail: str
) -> None:
    async with answering(answer) as url:
        signaling = Signaling(Target(http=url))
        with pytest.raises(FailedCallError, match=detail) as raised:
            await signaling.place("v=0")
        await signaling.close()
    assert raised.value.reason is reason
