"""The chat brain and a server that is not ours: `transformers serve` with a tiny random model."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from inference.engines.cascade.brain.brain import CutOff, TokensUsed
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


@pytest_asyncio.fixture
async def endpoint(
    transformers_server: ServerProcess, chat_model: str
) -> AsyncIterator[ChatEndpoint]:
    async with chat_endpoint(transformers_server.url, chat_model) as endpoint:
        yield endpoint


async def test_an_answer_streams_and_its_cost_is_told(endpoint: ChatEndpoint) -> None:
    *texts, used, cut_off = await answer(endpoint, QUESTION)
    assert len(texts) > 1
    assert all(isinstance(text, str) and text for text in texts)
    assert isinstance(used, TokensUsed)
    assert used.output_tokens == QUESTION.max_output_tokens
    assert used.input_tokens > len("Be brief.Hello.")
    assert cut_off == CutOff("max_output_tokens")


async def test_hanging_up_leaves_the_server_to_others(endpoint: ChatEndpoint) -> None:
    await cancelled_answer(endpoint)
    async with asyncio.timeout(WAIT_S):
        answers = await asyncio.gather(*(answer(endpoint, QUESTION, key) for key in ("one", "two")))
    assert all(outputs[-1] == CutOff("max_output_tokens") for outputs in answers)
    tries = endpoint.client.pool.counters.tries
    assert tries == {(ServerKind.LLM, Outcome.ANSWERED): 3}
