"""Guesses at the turn: when one is made, when it is given, and what is counted."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon_proto.trunk import FunctionCallOutput, Item, Role
from inference.engines.cascade.brain.brain import Prompt
from inference.engines.cascade.counters import Miss, SpeculationCounters
from inference.engines.cascade.gate import Gate
from inference.engines.cascade.plain_words import plain_words
from inference.engines.cascade.speculation import MAX_GUESSES, Speculation, guessed_item

EARLIER = Item("1", Role.ASSISTANT, "Hello.")


def prompt_of(words: str) -> Prompt:
    return Prompt("Be brief.", (EARLIER, guessed_item(words)))


def asked(words: str) -> Prompt:
    """As it is asked in the end: the item has an id, and how long the user spoke is known."""
    return replace(prompt_of(words), history=(EARLIER, Item("2", Role.USER, words)), heard_ms=900)


@dataclass
class FakeGuess:
    prompt: Prompt
    gate: Gate = field(default_factory=Gate)
    spoken: bool = True
    failed: bool = False
    discarded: bool = False

    def discard(self) -> None:
        self.discarded = True


class Guesses:
    """A speculation whose guesses are kept."""

    def __init__(self) -> None:
        self.made: list[FakeGuess] = []
        self.counters = SpeculationCounters()
        self.open = True
        self.speculation = Speculation(self._ask, self._begin, self.counters)

    def _ask(self, words: str) -> Prompt | None:
        return prompt_of(words) if self.open else None

    def _begin(self, prompt: Prompt) -> FakeGuess:
        self.made.append(FakeGuess(prompt))
        return self.made[-1]


@pytest.fixture
def guesses() -> Guesses:
    return Guesses()


def test_a_guess_that_was_right_is_given_once(guesses: Guesses) -> None:
    guesses.speculation.paused("what is 12 plus 30")
    claimed = guesses.speculation.claim(asked("What is twelve plus thirty?"), spoken=True)
    assert claimed is guesses.made[0]
    assert guesses.speculation.claim(asked("What is twelve plus thirty?"), spoken=True) is None
    assert (guesses.counters.hits, guesses.counters.misses.total()) == (1, 0)


CALL_OUTPUT = Item("2", Role.USER, FunctionCallOutput("call_1", "5"))
RIGHT = asked("spell cat")


@pytest.mark.parametrize(
    ("prompt", "spoken", "miss"),
    [
        (asked("spell dog"), True, Miss.WORDS),
        (replace(RIGHT, instructions="Be long."), True, Miss.PROMPT),
        (replace(RIGHT, said="Cat is"), True, Miss.PROMPT),
        (replace(RIGHT, history=RIGHT.history[1:]), True, Miss.PROMPT),
        (replace(RIGHT, history=RIGHT.history[:1]), True, Miss.PROMPT),
        (replace(RIGHT, history=()), True, Miss.PROMPT),
        (replace(RIGHT, history=(EARLIER, CALL_OUTPUT)), True, Miss.PROMPT),
        (RIGHT, False, Miss.PROMPT),
    ],
)
def test_another_question_discards_it(
    guesses: Guesses, prompt: Prompt, spoken: bool, miss: Miss
) -> None:
    guesses.speculation.paused("spell cat")
    guesses.made[0].gate.put("Cat is spelled")
    guesses.made[0].gate.put(bytes(48_000))
    assert guesses.speculation.claim(prompt, spoken=spoken) is None
    assert guesses.made[0].discarded
    assert guesses.counters.misses == {miss: 1}
    assert (guesses.counters.wasted_tokens, guesses.counters.wasted_audio_s) == (4, 1.0)


def test_one_that_failed_is_tried_again(guesses: Guesses) -> None:
    guesses.speculation.paused("spell cat")
    guesses.made[0].failed = True
    assert guesses.speculation.claim(RIGHT, spoken=True) is None
    assert guesses.counters.misses == {Miss.FAILED: 1}


def test_nothing_is_guessed_at_silence_or_while_the_question_is_open(guesses: Guesses) -> None:
    guesses.speculation.paused(" ... ")
    guesses.open = False
    guesses.speculation.paused("spell cat")
    assert guesses.made == []
    guesses.open = True
    guesses.speculation.paused("spell cat")
    assert len(guesses.made) == 1


class AnyConversation(RuleBasedStateMachine):
    """Whatever happens in whatever order, at most one guess is alive, and it was right to be."""

    WORDS = st.sampled_from(["spell cat", "Spell cat.", "spell dog", ""])

    def __init__(self) -> None:
        super().__init__()
        self.guesses = Guesses()
        self.speculation = self.guesses.speculation
        self.claimed: list[FakeGuess] = []
        self.in_turn = 0

    @rule(words=WORDS)
    def pause(self, words: str) -> None:
        made = len(self.guesses.made)
        self.speculation.paused(words)
        self.in_turn += len(self.guesses.made) - made

    @rule()
    def speak_on(self) -> None:
        self.speculation.spoke_on()
        assert self.alive == []

    @rule()
    def begin_turn(self) -> None:
        self.speculation.turn_began()
        self.in_turn = 0
        assert self.alive == []

    @rule(words=WORDS)
    def claim(self, words: str) -> None:
        guess = self.speculation.claim(asked(words), spoken=True)
        if guess is not None:
            question = guess.prompt.history[-1].content
            assert isinstance(question, str)
            assert plain_words(question) == plain_words(words)
            assert not guess.discarded
            self.claimed.append(guess)
        assert self.alive == []

    @rule(miss=st.sampled_from(Miss))
    def drop(self, miss: Miss) -> None:
        self.speculation.drop(miss)
        assert self.alive == []

    @property
    def alive(self) -> list[FakeGuess]:
        made = self.guesses.made
        return [
            guess
            for guess in made
            if not guess.discarded and not any(guess is one for one in self.claimed)
        ]

    @invariant()
    def it_is_bounded_and_accounted_for(self) -> None:
        counters = self.guesses.counters
        assert len(self.alive) <= 1
        assert self.in_turn <= MAX_GUESSES
        assert counters.started == len(self.guesses.made)
        assert counters.hits == len(self.claimed)
        assert counters.started == counters.hits + counters.misses.total() + len(self.alive)


TestAnyConversation = AnyConversation.TestCase
TestAnyConversation.settings = settings(max_examples=50, deadline=None)
