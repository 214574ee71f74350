"""How much of a long conversation its model still takes, learned from what it refuses, or said."""

from dataclasses import replace

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import Prompt
from inference.engines.cascade.usage import item_tokens

TOO_LONG = ("context length", "context_length", "context window", "context size", "too long")
"""In what servers say of a conversation that is longer than their model's context."""


def too_long(refusal: str) -> bool:
    """Whether a server that said so was asked about too long a conversation."""
    return any(phrase in refusal.lower() for phrase in TOO_LONG)


class ContextWindow:
    """Of one session.

    What is forgotten stays forgotten, and it is much at a time, half unless the session says
    otherwise: each time costs the server its cache of the conversation.
    """

    def __init__(self) -> None:
        self._first_id = ""

    def fit(self, prompt: Prompt) -> Prompt:
        """As much of the prompt as the model takes and the session allows."""
        fitting = self._remembered(prompt)
        limit = prompt.truncation.max_tokens
        if not limit or _tokens(fitting.history) <= limit:
            return fitting
        self._keep(fitting.history, round(limit * (prompt.truncation.retention_ratio or 1)))
        return self._remembered(fitting)

    def learn(self, refusal: str, prompt: Prompt) -> bool:
        """Take in what a server said to a prompt that it refused.

        Whether `fit` would give a shorter one now.
        """
        if not too_long(refusal):
            return False
        history, ratio = prompt.history, prompt.truncation.retention_ratio
        if ratio:
            return self._keep(history, round(_tokens(history) * ratio))
        return self._begin_with(history[-(-len(history) // 2) :])

    def _remembered(self, prompt: Prompt) -> Prompt:
        ids = [item.id for item in prompt.history]
        if self._first_id not in ids:
            return prompt
        return replace(prompt, history=prompt.history[ids.index(self._first_id) :])

    def _keep(self, history: tuple[Item, ...], tokens: int) -> bool:
        """Forget the oldest items beyond so many tokens, and one of them at least."""
        first = len(history)
        while first > 1 and (tokens := tokens - item_tokens(history[first - 1])) >= 0:
            first -= 1
        return self._begin_with(history[first:]) or self._begin_with_last(history[1:first])

    def _begin_with(self, history: tuple[Item, ...]) -> bool:
        """Forget all before the first thing that the user said among these items."""
        for item in history:
            if item.id and _is_the_users(item):
                self._first_id = item.id
                return True
        return False

    def _begin_with_last(self, history: tuple[Item, ...]) -> bool:
        """Where the last question alone is too long it is asked all the same."""
        return any(self._begin_with((item,)) for item in reversed(history))


def _tokens(history: tuple[Item, ...]) -> int:
    return sum(map(item_tokens, history))


def _is_the_users(item: Item) -> bool:
    return item.role is Role.USER and isinstance(item.content, str)
