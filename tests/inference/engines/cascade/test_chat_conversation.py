"""A cascade whose brain is a chat server: what callers get while it works, and when it does not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from antiphon_proto.trunk import DoneStatus, Error, Usage
from inference.engines.cascade.answer import BRAIN_APOLOGY
from inference.engines.cascade.brain.brain import Brain
from inference.engines.cascade.engine import CascadeEngine
from inference.error_code import ErrorCode
from tests.inference.engines.cascade.brain.chat_server import chat_server, finish, text
from tests.inference.engines.cascade.brain.raw_server import HEAD, RESET, raw_server
from tests.inference.engines.cascade.brain.test_chat import chat_endpoint
from tests.inference.engines.cascade.caller import Caller
from tests.inference.engines.cascade.conftest import BRAINS

pytestmark = pytest.mark.asyncio(loop_scope="session")

COST = (
    b'data: {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 3, '
    b'"prompt_tokens_details": {"cached_tokens": 64}}}\n\n'
)


@contextmanager
def brain_of_new_sessions(brain: Brain) -> Iterator[None]:
    BRAINS.override = brain
    try:
        yield
    finally:
        BRAINS.override = None


def caller_of(cascade: CascadeEngine, brain: Brain) -> Caller:
    with brain_of_new_sessions(brain):
        return Caller(cascade)


async def test_the_response_costs_what_the_server_counted(cascade: CascadeEngine) -> None:
    async with chat_server() as server, chat_endpoint(server.url) as endpoint:
        server.script = [text("Good morning."), finish("stop"), COST]
        caller = caller_of(cascade, endpoint.open("call"))
        caller.respond()
        usage = (await caller.done()).usage
    assert usage == Usage(90, 0, 64, 3, usage.output_audio_tokens)
    assert usage.output_audio_tokens > 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param([RESET], ErrorCode.BRAIN_FAILED, id="nothing"),
        pytest.param([HEAD, b"<html>"], ErrorCode.BRAIN_FAILED, id="garbage"),
        pytest.param([HEAD, b'data: {"cho'], ErrorCode.BRAIN_FAILED, id="half a frame"),
        pytest.param([HEAD, 60.0], ErrorCode.BRAIN_TIMEOUT, id="silence"),
    ],
)
async def test_a_caller_hears_an_apology_and_others_notice_nothing(
    cascade: CascadeEngine, script: list[bytes | float | str], code: ErrorCode
) -> None:
    async with (
        chat_server() as good,
        raw_server(script) as bad,
        chat_endpoint(good.url, timeout_s=10) as working,
        chat_endpoint(bad.url, timeout_s=0.3) as failing,
    ):
        good.script = [text("One, "), 0.4, text("two."), finish("stop")]
        fine = caller_of(cascade, working.open("fine"))
        unlucky = caller_of(cascade, failing.open("unlucky"))
        fine.respond()
        unlucky.respond()
        done, failed = await asyncio.gather(fine.done(), unlucky.done())

    assert done.status is DoneStatus.COMPLETED
    assert (fine.answer(), fine.all(Error)) == ("One, two.", [])
    assert (failed.status, failed.reason) == (DoneStatus.FAILED, code.value)
    assert [error.code for error in unlucky.all(Error)] == [code]
    assert unlucky.answer() == BRAIN_APOLOGY
    assert len(unlucky.audio()) > 48 * 1000
