"""Answers that are begun before the user's turn is known to be over.

    idle ─ words in a pause ─► guessing ─ claimed, and the same question ─► released
      ▲                           │
      └────────── a miss ─────────┘

A guess is worth a pause: what the user said until then is answered behind a gate. The
response that is asked for when the turn ends gets the guess if it would ask the brain the
very same; else it is as if nothing had been guessed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade.brain.brain import Prompt
from inference.engines.cascade.counters import Miss, SpeculationCounters
from inference.engines.cascade.gate import Gate
from inference.engines.cascade.plain_words import plain_words
from inference.engines.cascade.usage import text_tokens

MAX_GUESSES = 3
"""In one turn: someone who speaks haltingly costs no more."""


class Guess(Protocol):
    """An answer being made behind a gate."""

    @property
    def prompt(self) -> Prompt: ...

    @property
    def gate(self) -> Gate: ...

    @property
    def spoken(self) -> bool: ...

    @property
    def failed(self) -> bool: ...

    def discard(self) -> None: ...


GuessT = TypeVar("GuessT", bound=Guess)


class Speculation(Generic[GuessT]):
    """The guesses of one session, at most one at a time."""

    def __init__(
        self,
        ask: Callable[[str], Prompt | None],
        begin: Callable[[Prompt], GuessT],
        counters: SpeculationCounters,
    ) -> None:
        """`ask` gives the prompt if the user's words are these, or None where no answer to
        them could be begun now; `begin` begins to answer it."""
        self._ask = ask
        self._begin = begin
        self._counters = counters
        self._guess: GuessT | None = None
        self._begun = 0

    def turn_began(self) -> None:
        self.drop(Miss.UNASKED)
        self._begun = 0

    def paused(self, words: str) -> None:
        """The user said `words` and nothing more for a while."""
        guess = self._guess
        if guess is not None:
            if plain_words(words) == plain_words(_question(guess.prompt)):
                return
            self.drop(Miss.WORDS)
        if self._begun >= MAX_GUESSES or not plain_words(words):
            return
        prompt = self._ask(words)
        if prompt is not None:
            self._begun += 1
            self._counters.started += 1
            self._guess = self._begin(prompt)

    def spoke_on(self) -> None:
        self.drop(Miss.SPOKE_ON)

    def claim(self, prompt: Prompt, *, spoken: bool) -> GuessT | None:
        """The answer to `prompt` that was begun, if there is one; no other one is left."""
        guess = self._guess
        if guess is None:
            return None
        miss = _difference(guess.prompt, prompt)
        if miss is None and guess.spoken != spoken:
            miss = Miss.PROMPT
        if miss is None and guess.failed:
            miss = Miss.FAILED
        if miss is not None:
            self.drop(miss)
            return None
        self._guess = None
        self._counters.hits += 1
        return guess

    def drop(self, miss: Miss) -> None:
        """Stop guessing, if a guess is made."""
        guess, self._guess = self._guess, None
        if guess is None:
            return
        guess.discard()
        self._counters.misses[miss] += 1
        self._counters.wasted_tokens += text_tokens(guess.gate.characters)
        self._counters.wasted_audio_s += guess.gate.audio_s


def guessed_item(words: str) -> Item:
    """What the turn will be in the conversation, but for its id."""
    return Item("", Role.USER, words)


def _question(prompt: Prompt) -> str:
    content = prompt.history[-1].content
    return content if isinstance(content, str) else ""


def _difference(guessed: Prompt, asked: Prompt) -> Miss | None:
    """None where the brain would be asked the same; how long the user spoke does not matter."""
    before, now = guessed.history[:-1], asked.history[:-1]
    if before != now or _without_question(guessed) != _without_question(asked):
        return Miss.PROMPT
    last = asked.history[-1:]
    if not last or last[0].role is not Role.USER or not isinstance(last[0].content, str):
        return Miss.PROMPT
    if plain_words(_question(guessed)) != plain_words(_question(asked)):
        return Miss.WORDS
    return None


def _without_question(prompt: Prompt) -> Prompt:
    return replace(prompt, history=(), heard_ms=0)
