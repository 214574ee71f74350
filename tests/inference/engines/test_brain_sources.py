"""Which brains the settings give."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest_asyncio

from antiphon_proto.trunk import FunctionCall, Item, Role, Tool
from chassis.settings import load
from inference.config import InferenceConfig
from inference.engines.brain_sources import brains
from inference.engines.cascade.brain.brain import BrainOutput, Effect, Prompt
from inference.engines.cascade.brain.delegating import FILLER
from inference.engines.cascade.brain.rules import NOT_UNDERSTOOD
from inference.engines.cascade.counters import CascadeCounters, Consultation
from tests.inference.engines.cascade.brain.chat_server import ChatServer, call, chat_server, text

TOOL = Tool("look", "Looks.", "{}")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


async def said(flags: list[str], request: str, counters: CascadeCounters) -> list[BrainOutput]:
    """The answer of the brain that the flags give."""
    source = brains(load(InferenceConfig, flags, {}, prog="inference"), counters)
    outputs: list[BrainOutput] = []
    prompt = Prompt("", (Item("1", Role.USER, request),), tools=(TOOL,))
    async with aclosing(source.open("call").answer(prompt)) as answer:
        async for output in answer:
            if isinstance(output, Effect):
                output.act()
            elif isinstance(output, str | FunctionCall):
                outputs.append(output)
    await source.close()
    return outputs


def names(*kinds: str, url: str) -> list[str]:
    return [flag for kind in kinds for flag in (f"--{kind}-url", url, f"--{kind}-model", "m")]


async def test_the_rules() -> None:
    assert await said([], "who wrote this song", CascadeCounters()) == [NOT_UNDERSTOOD]


async def test_a_language_model(server: ChatServer) -> None:
    server.script = [text("Hello.")]
    assert await said(names("llm", url=server.url), "hi", CascadeCounters()) == ["Hello."]


async def test_the_rules_with_an_expert(server: ChatServer) -> None:
    server.script = [text("Paul did.")]
    counters = CascadeCounters()
    flags = names("expert", url=server.url)
    assert await said(flags, "who wrote this song", counters) == [FILLER, "Paul did."]
    assert counters.consultations == {Consultation.ANSWERED: 1}


async def test_a_language_model_with_an_expert_and_a_filler(server: ChatServer) -> None:
    server.script = [call(0, id="c", function={"name": "look", "arguments": "{}"})]
    flags = [*names("llm", "expert", url=server.url), "--tool-filler", "One moment."]
    assert await said(flags, "look", CascadeCounters()) == [
        "One moment.",
        FunctionCall("c", "look", "{}"),
    ]
    offered = [tool["function"]["name"] for tool in server.requests[0]["tools"]]
    assert offered == ["look", "consult_expert"]
