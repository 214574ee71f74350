"""The chat brain and vLLM: streaming, cost, its prefix cache, hanging up, and refusals."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role, Tool
from inference.engines.cascade.brain.brain import BrainError, CutOff, Prompt, TokensUsed
from inference.engines.cascade.brain.chat import ChatEndpoint
from inference.model_server.counters import Outcome, ServerKind
from tests.model_servers.chat_answers import (
    QUESTION,
    WAIT_S,
    answer,
    cancelled_answer,
    chat_endpoint,
)
from tests.model_servers.server_process import ServerProcess
from tests.vllm.conftest import MODEL

CACHE_BLOCK_TOKENS = 128
"""Whole blocks are cached; this is the CPU build's block."""
INSTRUCTIONS = "You are a helpful voice assistant, and brief. " * 10
LOOK = Tool("look", "Looks.", '{"type": "object", "properties": {"at": {"type": "string"}}}')


@pytest_asyncio.fixture
async def endpoint(vllm: ServerProcess) -> AsyncIterator[ChatEndpoint]:
    async with chat_endpoint(vllm.url, MODEL) as endpoint:
        yield endpoint


def metric(vllm: ServerProcess, name: str) -> float:
    found = re.findall(rf"^vllm:{name}{{.*}} (\S+)$", vllm.get("/metrics"), re.MULTILINE)
    return sum(map(float, found))


async def until(vllm: ServerProcess, name: str, value: float) -> None:
    async with asyncio.timeout(WAIT_S):
        while metric(vllm, name) != value:
            await asyncio.sleep(0.02)


async def test_an_answer_streams_and_its_cost_is_told(endpoint: ChatEndpoint) -> None:
    *texts, used, cut_off = await answer(endpoint, QUESTION)
    assert len(texts) > 1
    assert isinstance(used, TokensUsed)
    assert used.output_tokens == QUESTION.max_output_tokens
    assert cut_off == CutOff("max_output_tokens")


async def test_each_turn_finds_the_one_before_in_the_cache(
    vllm: ServerProcess, endpoint: ChatEndpoint
) -> None:
    history = [Item("u0", Role.USER, "Hello.")]
    input_tokens = 0
    for turn in range(1, 5):
        prompt = Prompt(INSTRUCTIONS, tuple(history), max_output_tokens=8)
        hits = metric(vllm, "prefix_cache_hits_total")
        *texts, used, _cut_off = await answer(endpoint, prompt)
        assert isinstance(used, TokensUsed)
        if turn > 1:
            assert used.cached_tokens >= input_tokens - CACHE_BLOCK_TOKENS
            assert metric(vllm, "prefix_cache_hits_total") - hits == used.cached_tokens
        input_tokens = used.input_tokens
        history.append(Item(f"a{turn}", Role.ASSISTANT, "".join(map(str, texts))))
        history.append(Item(f"u{turn}", Role.USER, "And then? " * 20))


async def test_hanging_up_stops_the_work(vllm: ServerProcess, endpoint: ChatEndpoint) -> None:
    tokens = metric(vllm, "generation_tokens_total")
    await cancelled_answer(endpoint)
    await until(vllm, "num_requests_running", 0)
    assert metric(vllm, "generation_tokens_total") - tokens < 1500
    assert endpoint.client.pool.counters.tries == {(ServerKind.LLM, Outcome.ANSWERED): 1}


async def test_many_answers_at_once(endpoint: ChatEndpoint) -> None:
    answers = await asyncio.gather(
        *(answer(endpoint, QUESTION, f"call {number}") for number in range(16))
    )
    assert all(outputs[-1] == CutOff("max_output_tokens") for outputs in answers)


async def test_a_conversation_with_calls(endpoint: ChatEndpoint) -> None:
    history = (
        Item("1", Role.USER, "Look around."),
        Item("a", Role.ASSISTANT, FunctionCall("a", "look", '{"at": "sky"}')),
        Item("b", Role.ASSISTANT, FunctionCall("b", "look", "{no JSON")),
        Item("2", Role.USER, FunctionCallOutput("a", "blue")),
        Item("3", Role.USER, FunctionCallOutput("b", "wet")),
    )
    prompt = Prompt("Be brief.", history, (LOOK,), max_output_tokens=8)
    assert CutOff("max_output_tokens") in await answer(endpoint, prompt)


async def test_a_call_that_it_must_make_comes_whole(endpoint: ChatEndpoint) -> None:
    """Constrained decoding has even a random model write arguments in JSON."""
    prompt = Prompt("Be brief.", QUESTION.history, (LOOK,), "look", max_output_tokens=30)
    outputs = await answer(endpoint, prompt)
    calls = [output for output in outputs if isinstance(output, FunctionCall)]
    assert [call.name for call in calls] == ["look"]
    assert calls[0].call_id
    assert calls[0].arguments_json


async def test_a_conversation_that_is_too_long_is_shortened(endpoint: ChatEndpoint) -> None:
    history = tuple(Item(f"u{turn}", Role.USER, "And then? " * 20) for turn in range(24))
    outputs = await answer(endpoint, replace(QUESTION, history=history))
    assert CutOff("max_output_tokens") in outputs


async def test_an_answer_is_gone_on_with(endpoint: ChatEndpoint) -> None:
    outputs = await answer(endpoint, replace(QUESTION, said="One, two,"))
    assert CutOff("max_output_tokens") in outputs


async def test_a_refusal_is_an_error(vllm: ServerProcess) -> None:
    async with chat_endpoint(vllm.url, "unknown") as endpoint:
        with pytest.raises(BrainError, match="answered 404"):
            await answer(endpoint, QUESTION)
