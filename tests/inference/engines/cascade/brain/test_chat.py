"""The chat brain against a real HTTP server: streaming, tools, cancelling, and every failure."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role, Tool, Truncation
from inference.engines.cascade.brain.brain import (
    BrainError,
    BrainOutput,
    CutOff,
    FunctionCallDelta,
    Prompt,
    TokensUsed,
)
from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts
from inference.engines.cascade.brain.chat_messages import (
    DEFAULT_INSTRUCTIONS,
    INAUDIBLE,
    chat_messages,
)
from inference.error_code import ErrorCode
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.brain.chat_server import (
    ChatServer,
    Step,
    call,
    chat_server,
    finish,
    text,
)

TIMEOUT_S = 0.5
PROMPT = Prompt("Be brief.", (Item("1", Role.USER, "Hello."),))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


@pytest_asyncio.fixture
async def endpoint(server: ChatServer) -> AsyncIterator[ChatEndpoint]:
    async with chat_endpoint(server.url) as endpoint:
        yield endpoint


@asynccontextmanager
async def chat_endpoint(*urls: str, timeout_s: float = TIMEOUT_S) -> AsyncIterator[ChatEndpoint]:
    access = ServerAccess(urls=urls, api_key="key", session_header="x-session-id")
    timeouts = ChatTimeouts(first_words_s=timeout_s, stall_s=timeout_s)
    endpoint = ChatEndpoint(access, "some-model", ModelServerCounters(), timeouts)
    yield endpoint
    await endpoint.close()


async def outputs(
    endpoint: ChatEndpoint, prompt: Prompt = PROMPT, key: str = "call"
) -> list[BrainOutput]:
    async with aclosing(endpoint.open(key).answer(prompt)) as answer:
        return [output async for output in answer]


def tries(endpoint: ChatEndpoint) -> dict[Outcome, int]:
    counters = endpoint.client.pool.counters
    return {outcome: n for (kind, outcome), n in counters.tries.items() if kind is ServerKind.LLM}


async def test_text_streams(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("Hel"), text("lo."), 0.3, text(" Bye."), finish("stop")]
    async with aclosing(endpoint.open("call").answer(PROMPT)) as answer:
        async with asyncio.timeout(0.25):
            assert [await anext(answer), await anext(answer)] == ["Hel", "lo."]
        assert [output async for output in answer] == [" Bye."]


async def test_the_request(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("Hi.")]
    tool = Tool("look", "Looks.", '{"type": "object"}')
    await outputs(
        endpoint,
        Prompt("Be brief.", PROMPT.history, (tool,), tool_choice="look", max_output_tokens=7),
    )

    assert server.keys == ["Bearer key"]
    assert server.requests == [
        {
            "model": "some-model",
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello."},
            ],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "look",
                        "description": "Looks.",
                        "parameters": {"type": "object"},
                    },
                }
            ],
            "tool_choice": {"type": "function", "function": {"name": "look"}},
            "max_tokens": 7,
        }
    ]


async def test_requests_of_a_conversation_begin_alike(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    """Byte by byte up to the end of the messages, so that the server's cache holds."""
    server.script = [text("Hi."), finish("stop")]
    history = [*PROMPT.history]
    for turn in range(3):
        await outputs(endpoint, Prompt("Be brief.", tuple(history)))
        history.append(Item(f"a{turn}", Role.ASSISTANT, "Hi."))
        history.append(Item(f"u{turn}", Role.USER, "And?"))
    bodies = [body.removesuffix(b"]}") for body in server.bodies]
    assert len(bodies) == 3
    assert bodies[1].startswith(bodies[0])
    assert bodies[2].startswith(bodies[1])


async def test_a_calls_requests_carry_its_token(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("Hi."), finish("stop")]
    for key in ("one", "one", "two"):
        await outputs(endpoint, key=key)
    one, again, two = server.sessions
    assert one == again != two
    assert "one" not in str(one)


async def test_the_cost_is_the_servers(server: ChatServer, endpoint: ChatEndpoint) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    chunk = json.dumps({"choices": [], "usage": usage}).encode()
    server.script = [text("Hi."), finish("stop"), b"data: " + chunk + b"\n\n"]
    assert await outputs(endpoint) == ["Hi.", TokensUsed(9, 2, 8)]


async def test_who_forbids_to_shorten_is_told_that_it_is_too_long(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.refusals = [(400, None, "This model's maximum context length is 9 tokens.")]
    with pytest.raises(BrainError) as failed:
        await outputs(endpoint, replace(PROMPT, truncation=Truncation(disabled=True)))
    assert failed.value.code == ErrorCode.CONTEXT_TOO_LONG
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("refusal", "refused", "instead"),
    [
        ("Unrecognized request argument supplied: stream_options", "stream_options", None),
        ("Use 'max_completion_tokens' instead.", "max_tokens", "max_completion_tokens"),
    ],
)
async def test_what_a_server_refuses_is_left_out_from_then_on(
    server: ChatServer, endpoint: ChatEndpoint, refusal: str, refused: str, instead: str | None
) -> None:
    server.refusals = [(400, None, refusal)]
    server.script = [text("Hi."), finish("stop")]
    prompt = replace(PROMPT, max_output_tokens=7)
    for key in ("one", "two"):
        assert await outputs(endpoint, prompt, key) == ["Hi."]
    asked = [refused in request for request in server.requests]
    assert asked == [True, False, False]
    assert instead is None or server.requests[-1][instead] == 7


async def test_a_conversation_that_is_too_long_is_shortened(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    refusal = "This model's maximum context length is 9 tokens."
    server.refusals = [(400, None, refusal), (400, None, refusal)]
    server.script = [text("Hi."), finish("stop")]
    history = [Item(f"u{turn}", Role.USER, f"Word {turn}.") for turn in range(8)]
    brain = endpoint.open("call")
    assert [output async for output in brain.answer(Prompt("", tuple(history)))] == ["Hi."]
    history.append(Item("u8", Role.USER, "Word 8."))
    assert [output async for output in brain.answer(Prompt("", tuple(history)))] == ["Hi."]
    lengths = [len(request["messages"]) - 1 for request in server.requests]
    assert lengths == [8, 4, 2, 3]
    assert server.requests[-1]["messages"][-1]["content"] == "Word 8."


async def test_a_conversation_that_cannot_be_shortened(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.refusals = [(400, None, "too long")] * 9
    with pytest.raises(BrainError, match="answered 400"):
        await outputs(endpoint)
    assert len(server.requests) == 1


async def test_connections_are_used_again(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("Hi."), finish("stop")]
    for _ in range(5):
        await outputs(endpoint)
    assert len(server.ports) == 1


def whole(given: list[BrainOutput]) -> list[BrainOutput]:
    """Without the arguments as they came."""
    return [output for output in given if not isinstance(output, FunctionCallDelta)]


async def test_arguments_come_as_they_are_written_and_calls_whole(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    on = asyncio.Event()
    server.script = [
        call(0, id="call_a", function={"name": "look", "arguments": ""}),
        call(0, function={"arguments": '{"at":'}),
        on,
        call(0, function={"arguments": ' "sky"}'}),
        finish("tool_calls"),
    ]
    async with aclosing(endpoint.open("call").answer(PROMPT)) as given:
        assert await anext(given) == FunctionCallDelta("call_a", "look", '{"at":')
        on.set()
        assert await anext(given) == FunctionCallDelta("call_a", "look", ' "sky"}')
        assert await anext(given) == FunctionCall("call_a", "look", '{"at": "sky"}')


async def test_a_call_that_is_cut_off_is_none(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [
        call(0, id="call_a", function={"name": "look", "arguments": '{"at": 1}'}),
        call(1, id="call_b", function={"name": "wait", "arguments": '{"s":'}),
        call(2, id="call_c"),
        finish("length"),
    ]
    assert whole(await outputs(endpoint)) == [
        FunctionCall("call_a", "look", '{"at": 1}'),
        CutOff("max_output_tokens"),
    ]


async def test_one_call_at_a_time_is_asked_for_and_held_to(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.script = [
        call(0, id="call_a", function={"name": "look", "arguments": '{"at": 1}'}),
        call(1, id="call_b", function={"name": "wait", "arguments": "{"}),
        call(1, function={"arguments": "}"}),
        finish("tool_calls"),
    ]
    prompt = replace(PROMPT, tools=(Tool("look", "", "{}"),), parallel_tool_calls=False)
    server.refusals = [(400, None, "Unknown parameter: parallel_tool_calls")]
    assert await outputs(endpoint, prompt) == [
        FunctionCallDelta("call_a", "look", '{"at": 1}'),
        FunctionCall("call_a", "look", '{"at": 1}'),
    ]
    asked = [request.get("parallel_tool_calls") for request in server.requests]
    assert asked == [False, None]


async def test_what_servers_refuse_of_another_context_is_no_matter_to_the_conversation(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    history = tuple(Item(str(number), Role.USER, "Hello.") for number in range(4))
    brain = endpoint.open("call")
    server.script = [text("Hi."), finish("stop")]
    server.refusals = [(400, None, "the context length is exceeded")]
    for own_context in (True, False):
        prompt = replace(PROMPT, history=history, own_context=own_context)
        async with aclosing(brain.answer(prompt)) as given:
            assert [output async for output in given] == ["Hi."]
    assert [len(request["messages"]) for request in server.requests] == [5, 3, 5]


async def test_function_calls_come_whole(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [
        text("Looking."),
        call(0, id="call_a", function={"name": "look", "arguments": ""}),
        call(0, function={"arguments": '{"at":'}),
        call(1, id="call_b", function={"name": "wait"}),
        call(0, function={"arguments": ' "sky"}'}),
        finish("tool_calls"),
    ]
    assert whole(await outputs(endpoint)) == [
        "Looking.",
        FunctionCall("call_a", "look", '{"at": "sky"}'),
        FunctionCall("call_b", "wait", "{}"),
    ]


async def test_calls_that_all_claim_the_first_place_stay_apart(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.script = [
        call(0, id="call_a", function={"name": "look", "arguments": '{"at": 1}'}),
        call(0, id="call_b", function={"name": "wait", "arguments": '{"s":'}),
        call(0, id="call_b", function={"arguments": " 2}"}),
        finish("tool_calls"),
    ]
    assert whole(await outputs(endpoint)) == [
        FunctionCall("call_a", "look", '{"at": 1}'),
        FunctionCall("call_b", "wait", '{"s": 2}'),
    ]


async def test_a_character_that_comes_in_halves(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("Fine \ud83d"), text("\ude00."), text(" Odd \ude00"), text("\ud83d")]
    assert "".join(map(str, await outputs(endpoint))) == "Fine \U0001f600. Odd \ufffd\ufffd"


async def test_a_connection_that_breaks_in_mid_answer(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.script = [text("And th"), "break"]
    with pytest.raises(BrainError) as failed:
        await outputs(endpoint)
    assert failed.value.code is ErrorCode.BRAIN_FAILED


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
async def test_cut_off(
    server: ChatServer, endpoint: ChatEndpoint, finish_reason: str, reason: str
) -> None:
    server.script = [text("And then"), finish(finish_reason)]
    assert await outputs(endpoint) == ["And then", CutOff(reason)]


async def test_closing_the_answer_disconnects(server: ChatServer, endpoint: ChatEndpoint) -> None:
    server.script = [text("One."), 0.05, *[text("more")] * 1000, 5.0]
    async with aclosing(endpoint.open("call").answer(PROMPT)) as answer:
        await anext(answer)
    async with asyncio.timeout(2):
        await server.disconnected.wait()
    assert tries(endpoint) == {Outcome.ANSWERED: 1}


async def test_hanging_up_before_the_first_word_says_nothing_of_the_server(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.script = [10.0]
    asking = asyncio.create_task(outputs(endpoint))
    while not server.requests:
        await asyncio.sleep(0.01)
    asking.cancel()
    async with asyncio.timeout(2):
        await server.disconnected.wait()
    assert tries(endpoint) == {Outcome.ABANDONED: 1}


@pytest.mark.parametrize("status", [302, 400, 401, 500])
async def test_a_refusal_names_only_its_status(
    server: ChatServer, endpoint: ChatEndpoint, status: int
) -> None:
    server.status = status
    with pytest.raises(BrainError, match=f"answered {status}") as failed:
        await outputs(endpoint)
    assert failed.value.code is ErrorCode.BRAIN_FAILED
    assert "secret" not in str(failed.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([10.0], id="before the first word"),
        pytest.param([text("Hm"), 10.0], id="between words"),
    ],
)
async def test_silence_times_out(
    server: ChatServer, endpoint: ChatEndpoint, script: list[Step]
) -> None:
    server.script = script
    with pytest.raises(BrainError) as failed:
        await outputs(endpoint)
    assert failed.value.code is ErrorCode.BRAIN_TIMEOUT


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([], id="nothing"),
        pytest.param([finish("stop")], id="no words"),
        pytest.param([b"data: {not json\n\n"], id="no JSON"),
        pytest.param([b'data: {"error": {"message": "overloaded"}}\n\n'], id="error in stream"),
        pytest.param([b'data: {"other": 1}\n\n'], id="another object"),
        pytest.param([b'data: {"choices": null}\n\n'], id="no choices"),
        pytest.param([b'data: {"choices": [{"delta": null}]}\n\n'], id="no delta"),
        pytest.param([b"data: [1, 2]\n\n"], id="no object"),
        pytest.param([b"data: 3\n\n"], id="a number"),
    ],
)
async def test_garbage_is_a_failure(
    server: ChatServer, endpoint: ChatEndpoint, script: list[Step]
) -> None:
    server.script = script
    with pytest.raises(BrainError) as failed:
        await outputs(endpoint)
    assert failed.value.code is ErrorCode.BRAIN_FAILED


async def test_nobody_listens() -> None:
    async with chat_endpoint("http://127.0.0.1:9/v1") as endpoint:
        with pytest.raises(BrainError, match="could not be reached") as failed:
            await outputs(endpoint)
        assert failed.value.code is ErrorCode.BRAIN_FAILED
        assert tries(endpoint) == {Outcome.UNREACHABLE: 3}


async def test_parameters_that_are_no_json(endpoint: ChatEndpoint) -> None:
    with pytest.raises(BrainError):
        await outputs(endpoint, Prompt("", (), (Tool("look", "", "{"),)))


class TestMessages:
    def test_calls_made_together_are_one_message(self) -> None:
        history = (
            Item("1", Role.USER, "Look around."),
            Item("2", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
            Item("3", Role.ASSISTANT, FunctionCall("b", "look", "{}")),
            Item("4", Role.USER, FunctionCallOutput("a", "sky")),
            Item("5", Role.USER, FunctionCallOutput("b", "sea")),
            Item("6", Role.ASSISTANT, "Sky and sea."),
        )
        roles = [message["role"] for message in chat_messages(Prompt("", history))]
        assert roles == ["system", "user", "assistant", "tool", "tool", "assistant"]
        assert [c["id"] for c in chat_messages(Prompt("", history))[2]["tool_calls"]] == ["a", "b"]

    def test_a_call_and_its_output_come_together_or_not_at_all(self) -> None:
        history = (
            Item("1", Role.ASSISTANT, FunctionCall("a", "look", "{}")),
            Item("2", Role.USER, FunctionCallOutput("z", "?")),
        )
        assert len(chat_messages(Prompt("", history))) == 1

    def test_what_was_not_heard(self) -> None:
        history = (Item("1", Role.USER, ""), Item("2", Role.ASSISTANT, ""))
        assert chat_messages(Prompt("", history)) == [
            {"role": "system", "content": DEFAULT_INSTRUCTIONS},
            {"role": "user", "content": INAUDIBLE},
        ]
