"""What is asked of every real chat server, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import BrainOutput, Prompt
from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess

WAIT_S = 60.0
QUESTION = Prompt("Be brief.", (Item("1", Role.USER, "Hello."),), max_output_tokens=16)
ENDLESS = Prompt("Be brief.", (Item("1", Role.USER, "Hello."),), max_output_tokens=1500)
"""Of some seconds, for a model as small as these."""


@asynccontextmanager
async def chat_endpoint(url: str, model: str) -> AsyncIterator[ChatEndpoint]:
    access = ServerAccess(urls=(url,), session_header="x-session-id")
    timeouts = ChatTimeouts(first_words_s=WAIT_S, stall_s=WAIT_S)
    endpoint = ChatEndpoint(access, model, ModelServerCounters(), timeouts)
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def answer(endpoint: ChatEndpoint, prompt: Prompt, key: str = "call") -> list[BrainOutput]:
    async with aclosing(endpoint.open(key).answer(prompt)) as outputs:
        return [output async for output in outputs]


async def cancelled_answer(endpoint: ChatEndpoint) -> None:
    """Ask for a long answer and hang up behind its first words."""
    async with aclosing(endpoint.open("call").answer(ENDLESS)) as outputs:
        async with asyncio.timeout(WAIT_S):
            assert isinstance(await anext(outputs), str)
