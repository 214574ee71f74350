"""Chat servers that misbehave: an error in time, on that session alone, and never too much."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import pytest

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import BrainError, CutOff, FunctionCallDelta
from inference.engines.cascade.brain.chat_stream import MAX_TEXT_CHARACTERS
from inference.error_code import ErrorCode
from inference.model_server.counters import Outcome, ServerKind
from tests.inference.engines.cascade.brain.chat_server import chat_server, finish, text
from tests.inference.engines.cascade.brain.raw_server import HEAD, RESET, raw_server
from tests.inference.engines.cascade.brain.test_chat import TIMEOUT_S, chat_endpoint, outputs, tries

HTML = b"<html><body>Welcome to the coffee machine's log-in page</body></html>"
GARBAGE = bytes(range(256)) * 16


def event(content: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param([], Outcome.UNREACHABLE, id="hangs up"),
        pytest.param([RESET], Outcome.UNREACHABLE, id="resets"),
        pytest.param([HEAD], Outcome.GARBLED, id="nothing"),
        pytest.param([HEAD, HTML], Outcome.GARBLED, id="a page"),
        pytest.param([HEAD, GARBAGE], Outcome.GARBLED, id="garbage"),
        pytest.param([GARBAGE], Outcome.GARBLED, id="no HTTP"),
        pytest.param([HEAD, event("Hm")[:-9]], Outcome.GARBLED, id="half a frame"),
        pytest.param([HEAD, event("Hm"), event("m")[:-9]], Outcome.BROKEN_OFF, id="half an answer"),
        pytest.param([HEAD, event("Hm"), RESET], Outcome.BROKEN_OFF, id="resets in mid-answer"),
        pytest.param([HEAD, event("Hm"), b"data: {\n\n"], Outcome.GARBLED, id="then no JSON"),
        pytest.param([HEAD, b"data: " + b"[" * 100_000 + b"\n\n"], Outcome.GARBLED, id="nested"),
        pytest.param([60.0], Outcome.TIMED_OUT, id="silence"),
        pytest.param([HEAD, 60.0], Outcome.TIMED_OUT, id="silence behind the head"),
        pytest.param([HEAD, event("Hm"), 60.0], Outcome.TIMED_OUT, id="silence in mid-answer"),
        pytest.param(
            [HEAD, *[b": still here\n\n", 0.05] * 100], Outcome.TIMED_OUT, id="comments only"
        ),
        pytest.param([HEAD, *[event(""), 0.05] * 100], Outcome.TIMED_OUT, id="empty words only"),
    ],
)
async def test_what_is_no_answer(script: list[bytes | float | str], outcome: Outcome) -> None:
    timed_out = outcome is Outcome.TIMED_OUT
    # A busy machine takes long to be refused three times.
    patience_s = TIMEOUT_S if timed_out else 5
    async with (
        raw_server(script) as server,
        chat_endpoint(server.url, timeout_s=patience_s) as endpoint,
    ):
        with pytest.raises(BrainError) as failed:
            await outputs(endpoint)
        assert list(tries(endpoint)) == [outcome]
        assert failed.value.code is (
            ErrorCode.BRAIN_TIMEOUT if timed_out else ErrorCode.BRAIN_FAILED
        )
        assert server.connections == (3 if outcome is Outcome.UNREACHABLE else 1)


async def test_an_answer_without_an_end_is_cut_off_and_hung_up_on() -> None:
    words = chain([HEAD], repeat(event("and " * 100)))
    async with raw_server(words) as server, chat_endpoint(server.url) as endpoint:
        *texts, cut_off = await outputs(endpoint)
        assert cut_off == CutOff("max_output_tokens")
        assert len("".join(map(str, texts))) == MAX_TEXT_CHARACTERS
        async with asyncio.timeout(2):
            await server.hung_up.wait()


def line_without_an_end() -> Iterator[bytes]:
    yield HEAD + b"data: "
    yield from repeat(b"x" * 65536)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(line_without_an_end(), id="a line"),
        pytest.param(chain([HEAD], repeat(b"data: x\n" * 8192)), id="an event"),
        pytest.param(chain([HEAD], repeat(b": x\n\n" * 8192)), id="comments"),
        pytest.param(chain([HEAD], repeat(event("") * 1024)), id="empty words"),
    ],
)
async def test_a_flood_is_hung_up_on(script: Iterable[bytes]) -> None:
    async with raw_server(script) as server, chat_endpoint(server.url, timeout_s=20) as endpoint:
        with pytest.raises(BrainError) as failed:
            await outputs(endpoint)
        assert failed.value.code is ErrorCode.BRAIN_FAILED
        async with asyncio.timeout(2):
            await server.hung_up.wait()


async def test_an_answer_that_is_over_does_not_wait_for_a_server_that_keeps_the_line() -> None:
    script = [HEAD, event("Hi."), event("", "stop"), 60.0]
    async with raw_server(script) as server, chat_endpoint(server.url, timeout_s=20) as endpoint:
        async with asyncio.timeout(10):
            assert await outputs(endpoint) == ["Hi."]


async def test_other_sessions_notice_nothing() -> None:
    """They share the connections, the breakers and the loop."""
    async with chat_server() as good, chat_endpoint(good.url) as endpoint:
        good.script = [text("One"), 0.2, text(" two."), finish("stop")]
        fine = asyncio.create_task(outputs(endpoint, key="fine"))
        for script in ([HEAD, HTML], [GARBAGE], [HEAD, event("Hm"), RESET]):
            async with raw_server(script) as bad, chat_endpoint(bad.url) as other:
                with pytest.raises(BrainError):
                    await outputs(other, key="bad")
        assert await fine == ["One", " two."]


async def test_a_refused_session_does_not_cut_off_others() -> None:
    async with chat_server() as server, chat_endpoint(server.url) as endpoint:
        server.status = 400
        for _ in range(20):
            with pytest.raises(BrainError, match="answered 400"):
                await outputs(endpoint, key="bad")
        server.status, server.script = 200, [text("Hi."), finish("stop")]
        assert await outputs(endpoint, key="fine") == ["Hi."]


async def test_a_dead_server_is_not_waited_for_again_and_again() -> None:
    async with raw_server([60.0]) as server, chat_endpoint(server.url, timeout_s=0.05) as endpoint:
        for _ in range(5):
            with pytest.raises(BrainError, match="in time"):
                await outputs(endpoint)
        with pytest.raises(BrainError, match="failed too often") as failed:
            await outputs(endpoint)
        assert failed.value.code is ErrorCode.BRAIN_FAILED
        assert server.connections == 5
        assert endpoint.client.pool.counters.breakers_open[ServerKind.LLM] == 1


async def test_a_call_moves_to_another_server_while_its_own_is_dead() -> None:
    async with chat_server() as server:
        server.script = [text("Hi."), finish("stop")]
        async with chat_endpoint("http://127.0.0.1:9/v1", server.url) as endpoint:
            answers = [await outputs(endpoint, key=f"call {number}") for number in range(40)]
            assert answers == [["Hi."]] * 40
            assert tries(endpoint) == {Outcome.UNREACHABLE: 5, Outcome.ANSWERED: 40}


async def test_a_server_that_is_busy_is_asked_when_it_says() -> None:
    async with chat_server() as server, chat_endpoint(server.url, timeout_s=5) as endpoint:
        server.refusals = [(503, "1", ""), (429, None, "")]
        server.script = [text("Hi."), finish("stop")]
        started = asyncio.get_running_loop().time()
        assert await outputs(endpoint) == ["Hi."]
        assert asyncio.get_running_loop().time() - started >= 1
        assert len(server.requests) == 3


async def test_a_server_that_is_busy_for_longer_than_the_caller_waits() -> None:
    async with chat_server() as server, chat_endpoint(server.url) as endpoint:
        server.refusals = [(503, "30", "")]
        with pytest.raises(BrainError, match="answered 503"):
            await outputs(endpoint)
        assert len(server.requests) == 1


async def test_calls_without_names_and_too_many_of_them() -> None:
    nameless = {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a"}]}}
    many = [
        {"index": 0, "delta": {"tool_calls": [{"index": n, "function": {"name": "f"}}]}}
        for n in range(65)
    ]
    for script in ([nameless], many):
        async with chat_server() as server, chat_endpoint(server.url) as endpoint:
            server.script = list(script)
            with pytest.raises(BrainError) as failed:
                await outputs(endpoint)
            assert failed.value.code is ErrorCode.BRAIN_FAILED


async def test_a_call_without_an_id_gets_one() -> None:
    one = {"index": 0, "delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}
    async with chat_server() as server, chat_endpoint(server.url) as endpoint:
        server.script = [one, one, finish("tool_calls")]
        given = await outputs(endpoint)
        calls = [output.call_id for output in given if isinstance(output, FunctionCall)]
        deltas = [output.call_id for output in given if isinstance(output, FunctionCallDelta)]
        assert len(set(calls)) == 2
        assert calls == deltas
