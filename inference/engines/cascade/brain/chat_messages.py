"""A prompt as the JSON of the Chat Completions API.

https://platform.openai.com/docs/api-reference/chat/create
"""

import json
from collections.abc import Set
from typing import Any

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role, Tool
from inference.engines.cascade.brain.brain import Prompt

DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Your answers are spoken: answer in one or two short "
    "sentences, without lists, markup or emoji. The user's words come from a speech recogniser "
    "and may be misheard."
)

GO_ON = "(You were interrupted by a fault in the line. Go on from there, and repeat nothing.)"

INAUDIBLE = "(The user said something that was not understood.)"

UNSEEN = "(The user showed an image here, which you cannot see. Say so if it matters.)"

Message = dict[str, Any]


def chat_messages(prompt: Prompt, unseen: Set[str] = frozenset()) -> list[Message]:
    """The conversation, oldest first; the images of the items of the ids `unseen` only mentioned.

    What is the same in two prompts of a conversation is the same here, from the front on,
    so that a server finds it in its cache. A call comes with its output or not at all: the
    API refuses a conversation in which a call is unanswered.
    """
    messages: list[Message] = [
        {"role": "system", "content": prompt.instructions or DEFAULT_INSTRUCTIONS}
    ]
    calls = _Calls(messages)
    for item in prompt.history:
        match item.content:
            case FunctionCall() as call:
                calls.made(call)
            case FunctionCallOutput(call_id, output):
                calls.answered(call_id, output)
            case str() as text:
                calls.interrupted()
                messages += _text_messages(item, text, seen=item.id not in unseen)
    return messages + _said_messages(prompt.said)


class _Calls:
    """Function calls that wait for their outputs; those made together belong into one message."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages
        self._unanswered: dict[str, tuple[FunctionCall, int]] = {}
        self._early: dict[str, str] = {}
        """Outputs that came while the answer that made the call, and ends with it, was spoken."""
        self._group = 0
        """Counts what comes between calls; those with the same number were made together."""
        self._calling: list[Message] = []
        """The calls in the last message that has some."""
        self._calling_group: int | None = None
        """Theirs, while nothing but their outputs is behind them."""

    def made(self, call: FunctionCall) -> None:
        self._unanswered[call.call_id] = call, self._group
        early = self._early.pop(call.call_id, None)
        if early is not None:
            self.answered(call.call_id, early)

    def answered(self, call_id: str, output: str) -> None:
        call, group = self._unanswered.pop(call_id, (None, None))
        self._group += 1
        if call is None:
            self._early[call_id] = output
            return
        if group != self._calling_group:
            self._calling, self._calling_group = [], group
            self._messages.append({"role": "assistant", "tool_calls": self._calling})
        self._calling.append(_call_message(call))
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": output})

    def interrupted(self) -> None:
        self._group += 1
        self._calling_group = None


def _said_messages(said: str) -> list[Message]:
    """To go on behind what was heard: no server's own way of continuing a message is another's."""
    if not said:
        return []
    return [
        {"role": "assistant", "content": said},
        {"role": "user", "content": GO_ON},
    ]


def chat_tools(tools: tuple[Tool, ...]) -> list[Message]:
    """Raises ValueError for parameters that are not JSON."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": json.loads(tool.parameters_json or "{}"),
            },
        }
        for tool in tools
    ]


def chat_tool_choice(tool_choice: str) -> str | Message:
    if tool_choice in ("auto", "none", "required"):
        return tool_choice
    return {"type": "function", "function": {"name": tool_choice}}


def _text_messages(item: Item, text: str, *, seen: bool) -> list[Message]:
    """None for an answer of which nothing was heard; a turn without words is still a turn."""
    if not text and item.role is not Role.USER:
        return []
    if item.images:
        return [{"role": item.role.value, "content": _parts(text, item.images, seen=seen)}]
    return [{"role": item.role.value, "content": text or INAUDIBLE}]


def _parts(text: str, images: tuple[str, ...], *, seen: bool) -> str | list[Message]:
    if not seen:
        return "\n".join(filter(None, (text, UNSEEN)))
    written = [{"type": "text", "text": text}] if text else []
    return [*written, *({"type": "image_url", "image_url": {"url": url}} for url in images)]


def _call_message(call: FunctionCall) -> Message:
    """Arguments that are no JSON object, as models sometimes write them, fail servers that
    read them back, for the rest of the conversation."""
    try:
        arguments = (
            call.arguments_json if isinstance(json.loads(call.arguments_json), dict) else "{}"
        )
    except (ValueError, RecursionError):
        arguments = "{}"
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
