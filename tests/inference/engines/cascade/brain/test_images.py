"""What brains do with what a user shows."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

import pytest
import pytest_asyncio

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import SILENCE, Brain, Prompt
from inference.engines.cascade.brain.chat import ChatBrain, ChatEndpoint, ChatTimeouts
from inference.engines.cascade.brain.chat_messages import UNSEEN
from inference.engines.cascade.brain.rules import BLIND, SKILLS, STILL_THERE, RulesBrain
from inference.engines.cascade.history import MAX_IMAGE_BYTES, History
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.brain.chat_server import ChatServer, chat_server, finish, text

PNG = "data:image/png;base64,iVBORw0KGgo="
SHOWN = Item("shown", Role.USER, "What is this?", (PNG,))
SPOKEN = [text("A cat."), finish("stop")]
REFUSAL = (400, None, "m is not a multimodal model")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        server.script = SPOKEN
        yield server


@pytest_asyncio.fixture
async def endpoint(server: ChatServer) -> AsyncIterator[ChatEndpoint]:
    access = ServerAccess(urls=(server.url,))
    endpoint = ChatEndpoint(access, "m", ModelServerCounters(), ChatTimeouts())
    yield endpoint
    await endpoint.close()


async def said(brain: Brain, *history: Item) -> str:
    async with aclosing(brain.answer(Prompt("", history))) as outputs:
        return "".join([output async for output in outputs if isinstance(output, str)])


def shown_content(server: ChatServer) -> list[object]:
    """What the last request's users said."""
    messages = server.requests[-1]["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


async def test_a_chat_model_is_shown_images(server: ChatServer, endpoint: ChatEndpoint) -> None:
    assert await said(endpoint.open("call"), SHOWN) == "A cat."
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    assert shown_content(server) == [parts]
    await said(endpoint.open("call"), Item("wordless", Role.USER, "", (PNG,)))
    assert shown_content(server) == [parts[1:]]


async def test_a_model_without_eyes_is_told_and_each_session_finds_out_for_itself(
    server: ChatServer, endpoint: ChatEndpoint
) -> None:
    server.refusals = [REFUSAL]
    brain: ChatBrain = endpoint.open("call")
    assert await said(brain, SHOWN) == "A cat."
    assert shown_content(server) == [f"What is this?\n{UNSEEN}"]
    await said(brain, SHOWN, Item("a", Role.ASSISTANT, "A cat."), Item("b", Role.USER, "Sure?"))
    assert shown_content(server) == [f"What is this?\n{UNSEEN}", "Sure?"]
    assert len(server.requests) == 3
    await said(endpoint.open("other"), SHOWN)
    assert shown_content(server) != [f"What is this?\n{UNSEEN}"]


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        (Item("1", Role.USER, "thank you", (PNG,)), f"{BLIND} You are welcome."),
        (Item("1", Role.USER, "", (PNG,)), f"{BLIND} {SKILLS}"),
        (Item("1", Role.USER, SILENCE), STILL_THERE),
    ],
)
async def test_the_rules_say_what_they_cannot_do(item: Item, answer: str) -> None:
    assert await said(RulesBrain(datetime.now, lambda: 0.0), item) == answer


def test_a_history_holds_so_many_bytes_of_images() -> None:
    large, history = (PNG + "A" * (MAX_IMAGE_BYTES // 2),), History()
    for name in ("a", "b"):
        history.insert(Item(name, Role.USER, name, large), "")
    history.insert(Item("c", Role.USER, "c", (PNG,)), "root")
    assert [(item.id, bool(item.images)) for item in history.items] == [
        ("c", True),
        ("a", False),
        ("b", True),
    ]
