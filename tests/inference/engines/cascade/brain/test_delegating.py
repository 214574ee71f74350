"""A fast brain and an expert, each behind a real HTTP server."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
import pytest_asyncio

from antiphon_proto.trunk import FunctionCall, Item, Role, Tool
from inference.engines.cascade.brain.brain import (
    Brain,
    BrainError,
    BrainOutput,
    BrainSource,
    CutOff,
    Effect,
    FunctionCallDelta,
    Prompt,
    TokensUsed,
)
from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts
from inference.engines.cascade.brain.delegating import FILLER, REMINDERS, DelegatingBrains
from inference.engines.cascade.brain.expert_tool import CONSULT_EXPERT
from inference.engines.cascade.brain.rules import NOT_UNDERSTOOD, Rules
from inference.engines.cascade.counters import Consultation
from inference.error_code import ErrorCode
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.brain.chat_server import (
    ChatServer,
    Step,
    call,
    chat_server,
    finish,
    text,
)
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain

TIMEOUT_S = 2.0
REMINDER_EVERY_S = 0.1
QUESTION = "Who wrote this song?"
PROMPT = Prompt("Be brief.", (Item("1", Role.USER, "who wrote it"),))
CLIENTS_TOOL = Tool("look", "Looks.", '{"type": "object"}')


def consults(question: str = QUESTION, index: int = 0) -> Step:
    arguments = json.dumps({"question": question})
    function = {"name": CONSULT_EXPERT.name, "arguments": arguments}
    return call(index, id=f"c{index}", function=function)


@dataclass(slots=True)
class Two:
    """A brain of two servers, and what they were asked."""

    fast: ChatServer
    expert: ChatServer
    brains: DelegatingBrains
    counters: Counter[Consultation] = field(default_factory=Counter)

    async def answer(self, prompt: Prompt = PROMPT) -> list[BrainOutput]:
        return await spoken(self.brains.open("call"), prompt)

    def experts_messages(self) -> list[object]:
        (request,) = self.expert.requests
        assert "tools" not in request
        return list(request["messages"][1:])


async def spoken(brain: Brain, prompt: Prompt = PROMPT) -> list[BrainOutput]:
    """All that is given of an answer that is released."""
    outputs: list[BrainOutput] = []
    async with aclosing(brain.answer(prompt)) as answer:
        async for output in answer:
            if isinstance(output, Effect):
                output.act()
            else:
                outputs.append(output)
    return outputs


def endpoint(server: ChatServer) -> ChatEndpoint:
    access = ServerAccess(urls=(server.url,))
    timeouts = ChatTimeouts(first_words_s=TIMEOUT_S, stall_s=TIMEOUT_S)
    return ChatEndpoint(access, "m", ModelServerCounters(), timeouts)


def delegating(
    fast: BrainSource, expert: BrainSource, counters: Counter[Consultation]
) -> DelegatingBrains:
    return DelegatingBrains(fast, expert, TIMEOUT_S, counters, REMINDER_EVERY_S)


@pytest_asyncio.fixture
async def two() -> AsyncIterator[Two]:
    async with chat_server() as fast, chat_server() as expert:
        counters = Counter[Consultation]()
        brains = delegating(endpoint(fast), endpoint(expert), counters)
        expert.script = [text("Paul "), text("did."), finish("stop")]
        yield Two(fast, expert, brains, counters)
        await brains.close()


async def test_without_a_need_the_expert_is_not_asked(two: Two) -> None:
    two.fast.script = [text("Hel"), text("lo."), finish("stop")]
    assert await two.answer(replace(PROMPT, tools=(CLIENTS_TOOL,))) == ["Hel", "lo."]

    (request,) = two.fast.requests
    names = [tool["function"]["name"] for tool in request["tools"]]
    assert names == ["look", CONSULT_EXPERT.name]
    assert two.expert.requests == []
    assert two.counters == {}


@pytest.mark.parametrize(
    ("said", "bridge"),
    [([], FILLER), (["One second."], " "), (["I will", " check"], ". "), (["  "], FILLER)],
)
async def test_the_floor_is_kept_and_the_result_spoken(
    two: Two, said: list[str], bridge: str
) -> None:
    two.fast.script = [*map(text, said), consults(), finish("tool_calls")]
    assert await two.answer() == [*said, bridge, "Paul ", "did."]
    assert two.counters == {Consultation.ANSWERED: 1}


async def test_what_the_expert_is_asked(two: Two) -> None:
    two.fast.script = [consults("Who?", 0), consults("When?", 1), consults("Who?", 2)]
    earlier = (Item("a", Role.USER, "hi"), Item("b", Role.ASSISTANT, "Hello."))
    await two.answer(replace(PROMPT, history=(*earlier, *PROMPT.history)))
    assert two.experts_messages() == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "who wrote it\n\n(Who?\nWhen?)"},
    ]


@pytest.mark.parametrize("arguments", ["", "{", "[]", '{"question": 5}', '{"other": "x"}'])
async def test_a_question_that_cannot_be_read_is_the_users(two: Two, arguments: str) -> None:
    two.fast.script = [call(0, id="c", function={"name": "consult_expert", "arguments": arguments})]
    await two.answer()
    assert two.experts_messages() == [{"role": "user", "content": "who wrote it"}]


async def test_the_expert_is_asked_only_when_the_answer_is_released(two: Two) -> None:
    two.fast.script = [consults()]
    async with aclosing(two.brains.open("call").answer(PROMPT)) as answer:
        assert await anext(answer) == FILLER
        release = await anext(answer)
        assert isinstance(release, Effect)
        first = asyncio.ensure_future(anext(answer))
        await asyncio.sleep(0.1)
        assert two.expert.requests == []
        release.act()
        assert await first == "Paul "
    assert two.counters == {Consultation.DROPPED: 1}


async def test_an_answer_that_is_discarded_asks_nobody(two: Two) -> None:
    two.fast.script = [consults()]
    async with aclosing(two.brains.open("call").answer(PROMPT)) as answer:
        await anext(answer)
        await anext(answer)
    assert (two.expert.requests, two.counters) == ([], {})


async def test_the_user_is_reminded_a_few_times(two: Two) -> None:
    two.fast.script = [consults()]
    two.expert.script = [REMINDER_EVERY_S * (len(REMINDERS) + 2.5), text("Paul.")]
    assert await two.answer() == [FILLER, *REMINDERS, "Paul."]


@pytest.mark.parametrize("speaking", [False, True])
async def test_who_moves_on_takes_the_question_back(two: Two, speaking: bool) -> None:
    two.fast.script = [consults()]
    two.expert.script = [text("Paul "), 5.0] if speaking else [5.0]
    outputs: list[BrainOutput] = []

    async def listen() -> None:
        async with aclosing(two.brains.open("call").answer(PROMPT)) as answer:
            async for output in answer:
                outputs.append(output)
                if isinstance(output, Effect):
                    output.act()

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(5):
        while not (two.expert.requests and (not speaking or "Paul " in outputs)):
            await asyncio.sleep(0.01)
        listening.cancel()
        await two.expert.disconnected.wait()
    assert two.counters == {Consultation.DROPPED: 1}


async def test_an_expert_that_fails(two: Two) -> None:
    two.fast.script = [consults()]
    two.expert.status = 400
    with pytest.raises(BrainError) as failure:
        await two.answer()
    assert failure.value.code is ErrorCode.BRAIN_FAILED
    assert "secret" not in str(failure.value)
    assert two.counters == {Consultation.FAILED: 1}


async def test_an_expert_that_says_nothing_in_time() -> None:
    counters = Counter[Consultation]()
    fast, expert = ScriptedBrain(), ScriptedBrain()
    fast.script = [FunctionCall("c", CONSULT_EXPERT.name, "{}")]
    expert.script = [5.0]
    brains = DelegatingBrains(One(fast), One(expert), 0.1, counters, 60.0)
    with pytest.raises(BrainError) as failure:
        await spoken(brains.open("call"))
    assert failure.value.code is ErrorCode.BRAIN_TIMEOUT
    assert counters == {Consultation.TIMED_OUT: 1}
    assert expert.stopped == 1


@pytest.mark.parametrize(
    "prompt",
    [
        replace(PROMPT, tool_choice="none"),
        replace(PROMPT, tools=(CLIENTS_TOOL,), tool_choice="required"),
        replace(PROMPT, tools=(CLIENTS_TOOL,), tool_choice="look"),
        replace(PROMPT, tools=(replace(CLIENTS_TOOL, name=CONSULT_EXPERT.name),)),
    ],
)
async def test_where_the_client_decides_about_tools(two: Two, prompt: Prompt) -> None:
    two.fast.script = [text("Hm."), consults()]
    said, *arguments, called = await two.answer(prompt)
    assert all(isinstance(each, FunctionCallDelta) for each in arguments)
    assert said == "Hm."
    assert isinstance(called, FunctionCall)
    assert called.name == CONSULT_EXPERT.name
    assert two.expert.requests == []


class One:
    """A source of one brain."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def open(self, session_key: str) -> Brain:
        return self._brain

    async def close(self) -> None: ...


async def test_what_belongs_to_the_client_comes_through() -> None:
    clients_call = FunctionCall("x", "look", "{}")
    fast, expert = ScriptedBrain(), ScriptedBrain()
    fast.script = [
        clients_call,
        FunctionCall("c", CONSULT_EXPERT.name, "{}"),
        TokensUsed(10, 2, 1),
        CutOff("max_output_tokens"),
    ]
    expert.script = ["Yes.", FunctionCall("y", "look", "{}"), TokensUsed(100, 20)]
    assert await spoken(delegating(One(fast), One(expert), Counter()).open("call")) == [
        clients_call,
        TokensUsed(10, 2, 1),
        FILLER,
        "Yes.",
        TokensUsed(110, 22, 1),
    ]
    fast.script = ["Half an", CutOff("max_output_tokens")]
    assert await spoken(delegating(One(fast), One(expert), Counter()).open("call")) == fast.script


async def test_the_rules_ask_what_they_do_not_understand() -> None:
    expert = ScriptedBrain()
    expert.script = ["Paul did."]
    rules = Rules(lambda: datetime(2026, 11, 21, 15, 5), lambda: 0.0)
    brain = delegating(rules, One(expert), Counter()).open("call")

    assert await spoken(brain) == [FILLER, "Paul did."]
    assert expert.prompts[0].history[-1].content == "who wrote it"
    for known, answer in (("what time is it", "It is three oh five p m."), ("", NOT_UNDERSTOOD)):
        asked = Prompt("", (Item("1", Role.USER, known),))
        assert await spoken(brain, asked) == [answer]
    assert len(expert.prompts) == 1
