"""How much of a long conversation its model still takes, learned from what it refuses."""

from dataclasses import replace

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import Prompt

TOO_LONG = ("context length", "context_length", "context window", "context size", "too long")
"""In what servers say of a conversation that is longer than their model's context."""


class ContextWindow:
    """Of one session.

    What is forgotten stays forgotten, and it is half at a time: each time costs the server
    its cache of the conversation.
    """

    def __init__(self) -> None:
        self._first_id = ""

    def fit(self, prompt: Prompt) -> Prompt:
        ids = [item.id for item in prompt.history]
        if self._first_id not in ids:
            return prompt
        return replace(prompt, history=prompt.history[ids.index(self._first_id) :])

    def learn(self, refusal: str, prompt: Prompt) -> bool:
        """Take in what a server said to a prompt that it refused.

        Whether `fit` would give a shorter one now.
        """
        if not any(phrase in refusal.lower() for phrase in TOO_LONG):
            return False
        history = prompt.history
        for item in history[-(-len(history) // 2) :]:
            if item.id and _is_the_users(item):
                self._first_id = item.id
                return True
        return False


def _is_the_users(item: Item) -> bool:
    return item.role is Role.USER and isinstance(item.content, str)
