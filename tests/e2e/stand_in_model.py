"""A language model's stand-in that acts as its instructions and the user's words say.

It runs in a thread of its own, so that tests with an event loop each can share it.
"""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.inference.engines.cascade.brain.chat_server import (
    ChatServer,
    Step,
    call,
    chat_server,
    finish,
    text,
)

TELL_ME_MORE = "what can you do"
"""Is answered at length, and is among what the embedded recogniser understands."""
LONG_ANSWER = "I can count: one, two, three, four, five. " * 5


@contextmanager
def stand_in_model() -> Iterator[ChatServer]:
    """One that listens on this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    serving = chat_server()
    server: ChatServer = wait(serving.__aenter__())
    server.choose = chosen_answer
    try:
        yield server
    finally:
        wait(serving.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def chosen_answer(request: dict[str, Any]) -> list[Step]:
    """Calls the tool whose description the user said, with what was said behind it as its one
    argument. Says what a tool gave, or else its own instructions.
    """
    system, *_, last = request["messages"]
    if last["role"] == "tool" and not last["content"].startswith('{"assistant"'):
        return [text(f"It is {last['content']}."), finish("stop")]
    if last["role"] == "user":
        for tool in request.get("tools", []):
            _, asked, rest = last["content"].lower().partition(tool["function"]["description"])
            if asked:
                return called(f"call_{len(request['messages'])}", tool["function"], rest)
        if TELL_ME_MORE in last["content"].lower():
            return [*map(text, re.findall(r"\S+\s", LONG_ANSWER)), finish("stop")]
    return [text(system["content"]), finish("stop")]


def called(call_id: str, function: dict[str, Any], rest: str) -> list[Step]:
    """In two pieces, as models write arguments."""
    names = list(function["parameters"].get("properties", {}))
    arguments = json.dumps({names[0]: rest.strip(" ?.")} if names else {})
    half = len(arguments) // 2
    begun = {"name": function["name"], "arguments": arguments[:half]}
    return [
        call(0, id=call_id, type="function", function=begun),
        call(0, function={"arguments": arguments[half:]}),
        finish("tool_calls"),
    ]
