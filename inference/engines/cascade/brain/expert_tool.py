"""The tool by which a brain asks for the expert: offered to brains, unknown to clients."""

import json
from dataclasses import replace

from antiphon_proto.trunk import FunctionCall, Item, Role, Tool
from inference.engines.cascade.brain.brain import Prompt

MAX_QUESTION_CHARACTERS = 4000

CONSULT_EXPERT = Tool(
    "consult_expert",
    "Ask a slower and more knowledgeable model, whose answer is spoken to the user when it "
    "comes. Use it where facts, reasoning or care are needed that you lack, and say in a few "
    "words that you are going to check.",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "question": {
                    "type": "string",
                    "description": "The whole question, with all that is needed to answer it.",
                }
            },
            "required": ["question"],
        }
    ),
)


def offers_expert(prompt: Prompt) -> bool:
    return CONSULT_EXPERT in prompt.tools


def may_offer_expert(prompt: Prompt) -> bool:
    """Not where the client decides about tools, or has one of the same name, nor where nobody
    waits on the line."""
    return (
        prompt.tool_choice == "auto"
        and not prompt.out_of_band
        and all(tool.name != CONSULT_EXPERT.name for tool in prompt.tools)
    )


def consultation(question: str) -> FunctionCall:
    """The call by which a brain without a model asks for the expert."""
    return FunctionCall("", CONSULT_EXPERT.name, json.dumps({"question": question}))


def question_of(call: FunctionCall) -> str:
    """What a call asks; empty where its arguments say nothing that can be used."""
    try:
        arguments = json.loads(call.arguments_json)
    except ValueError:
        return ""
    question = arguments.get("question") if isinstance(arguments, dict) else None
    return question.strip()[:MAX_QUESTION_CHARACTERS] if isinstance(question, str) else ""


def expert_prompt(prompt: Prompt, question: str) -> Prompt:
    """The conversation with the question in the user's last words, and without tools.

    A further message would do as well for most models, but some refuse two of the user's in a row.
    """
    history = list(prompt.history)
    asked = history[-1] if history else Item("", Role.USER, "")
    if history and asked.role is Role.USER and isinstance(asked.content, str):
        history.pop()
        if question and question != asked.content:
            question = f"{asked.content}\n\n({question})" if asked.content else question
        else:
            question = asked.content
    if question:
        history.append(Item(asked.id, Role.USER, question))
    return replace(prompt, history=tuple(history), tools=(), tool_choice="none")
