"""A prompt as the JSON of the Chat Completions API.

https://platform.openai.com/docs/api-reference/chat/create
"""

import json
from typing import Any

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role, Tool
from inference.engines.cascade.brain.brain import Prompt

DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Your answers are spoken: answer in one or two short "
    "sentences, without lists, markup or emoji. The user's words come from a speech recogniser "
    "and may be misheard."
)

INAUDIBLE = "(The user said something that was not understood.)"

Message = dict[str, Any]


def chat_messages(prompt: Prompt) -> list[Message]:
    """The conversation, oldest first.

    A call that has no output yet is left out with its kind: the API refuses a
    conversation in which a call is unanswered.
    """
    messages: list[Message] = [
        {"role": "system", "content": prompt.instructions or DEFAULT_INSTRUCTIONS}
    ]
    outputs = {
        item.content.call_id
        for item in prompt.history
        if isinstance(item.content, FunctionCallOutput)
    }
    calls: set[str] = set()
    for item in prompt.history:
        match item.content:
            case FunctionCall() as call if call.call_id in outputs:
                _append_call(messages, call)
                calls.add(call.call_id)
            case FunctionCallOutput(call_id, output) if call_id in calls:
                messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
            case str() as text:
                messages += _text_messages(item, text)
    return messages


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


def _text_messages(item: Item, text: str) -> list[Message]:
    """None for an answer of which nothing was heard; a turn without words is still a turn."""
    if not text and item.role is not Role.USER:
        return []
    return [{"role": item.role.value, "content": text or INAUDIBLE}]


def _append_call(messages: list[Message], call: FunctionCall) -> None:
    """Calls made together belong into one message."""
    if "tool_calls" not in messages[-1]:
        messages.append({"role": "assistant", "tool_calls": []})
    messages[-1]["tool_calls"].append(
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_json},
        }
    )
