"""The rules: every sentence of the domain is answered, and nothing else is."""

from datetime import datetime

import pytest

from antiphon_proto.trunk import FunctionCallOutput, Item, Role
from inference.engines.cascade import domain
from inference.engines.cascade.brain.brain import Effect, Prompt
from inference.engines.cascade.brain.rules import GREETING, NOT_UNDERSTOOD, SKILLS, RulesBrain


class Clock:
    seconds = 1000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def brain(clock: Clock) -> RulesBrain:
    return RulesBrain(lambda: datetime(2026, 11, 21, 15, 5), lambda: clock.seconds)


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("what is twelve plus thirty", "Twelve plus thirty is forty two."),
        ("What is 12 + 30?", NOT_UNDERSTOOD),
        ("What's 12 plus 30?", NOT_UNDERSTOOD),
        ("What is 12 plus 30?", "Twelve plus thirty is forty two."),
        ("what is three minus eleven", "Three minus eleven is minus eight."),
        ("one hundred times one hundred", "One hundred times one hundred is ten thousand."),
        ("what is ten divided by four", "Ten divided by four is two point five."),
        ("ten divided by three", "Ten divided by three is about three point three three."),
        ("what is seven divided by zero", "I cannot divide by zero."),
        ("what is 999999 times 999999", None),
        ("what time is it", "It is three oh five p m."),
        ("what is the date", "Today is Saturday, November 21, 2026."),
        ("spell cat", "Cat is spelled C, A, T."),
        ("how do you spell dog", "Dog is spelled D, O, G."),
        ("repeat after me hello world", "Hello world."),
        ("what can you do", SKILLS),
        ("hello", GREETING),
        ("stop", "Okay."),
        ("what is the date what friend", NOT_UNDERSTOOD),
        ("what is twelve plus thirty a", "Twelve plus thirty is forty two."),
        ("what is twelve plus thirty a the", NOT_UNDERSTOOD),
        ("a", NOT_UNDERSTOOD),
        ("set a timer for cat minutes", NOT_UNDERSTOOD),
        ("", NOT_UNDERSTOOD),
        (None, GREETING),
    ],
)
def test_answers(brain: RulesBrain, request_text: str | None, answer: str | None) -> None:
    reply = brain.reply(request_text)
    assert reply == answer if answer else reply.endswith("more than I can count.")


@pytest.mark.parametrize(
    ("hour", "minute", "spoken"),
    [
        (0, 0, "It is twelve o'clock a m."),
        (12, 30, "It is twelve thirty p m."),
        (9, 9, "It is nine oh nine a m."),
    ],
)
def test_time(hour: int, minute: int, spoken: str) -> None:
    brain = RulesBrain(lambda: datetime(2026, 1, 1, hour, minute), lambda: 0.0)
    assert brain.reply("what time is it") == spoken


def test_every_sentence_of_the_domain_is_understood(clock: Clock) -> None:
    for sentence, _ in domain.sentences():
        brain = RulesBrain(lambda: datetime(2026, 11, 21), lambda: clock.seconds)
        assert brain.reply(sentence) != NOT_UNDERSTOOD, sentence


class TestTimers:
    def test_time_left(self, brain: RulesBrain, clock: Clock) -> None:
        assert brain.reply("set a timer for five minutes").startswith("Timer set for five minutes.")
        clock.seconds += 229.5
        assert brain.reply("how much time is left") == (
            "Your five minute timer has one minute and eleven seconds left."
        )

    def test_a_timer_that_ran_out_is_told_with_the_next_answer(
        self, brain: RulesBrain, clock: Clock
    ) -> None:
        brain.reply("set a timer for one minute")
        brain.reply("set a timer for ten seconds")
        clock.seconds += 60
        assert brain.reply("hello") == (
            f"Your ten second timer is done. Your one minute timer is done. {GREETING}"
        )
        assert brain.reply("hello") == GREETING

    def test_cancel(self, brain: RulesBrain) -> None:
        brain.reply("set a timer for one minute")
        assert brain.reply("cancel the timer") == "Timer cancelled."
        assert brain.reply("cancel the timer") == "No timer is running."

    def test_limits(self, brain: RulesBrain) -> None:
        assert "twenty four hours" in brain.reply("set a timer for zero seconds")
        assert "twenty four hours" in brain.reply("set a timer for twenty five hours")
        for _ in range(10):
            assert brain.reply("set a timer for one hour").startswith("Timer set")
        assert brain.reply("set a timer for one hour") == "I cannot run more timers."


def test_repeating_itself(brain: RulesBrain) -> None:
    assert brain.reply("can you repeat that") == "I have said nothing yet."
    brain.reply("spell cat")
    assert brain.reply("can you repeat that") == "Cat is spelled C, A, T."
    assert brain.reply("say that again") == "Cat is spelled C, A, T."


async def test_the_last_thing_the_user_said_is_answered(brain: RulesBrain) -> None:
    history = (
        Item("1", Role.USER, "hello"),
        Item("2", Role.USER, "spell cat"),
        Item("3", Role.ASSISTANT, "Cat?"),
        Item("4", Role.USER, FunctionCallOutput("c", "{}")),
    )
    assert await said(brain, Prompt("", history)) == "Cat is spelled C, A, T."


async def said(brain: RulesBrain, prompt: Prompt, *, discarded: bool = False) -> str:
    text = ""
    async for output in brain.answer(prompt):
        if isinstance(output, str):
            text += output
        elif isinstance(output, Effect) and not discarded:
            output.act()
    return text


def asking(request: str, said: str = "") -> Prompt:
    return Prompt("", (Item("1", Role.USER, request),), said=said)


async def test_a_discarded_answer_has_no_effect(brain: RulesBrain) -> None:
    await said(brain, asking("set a timer for one minute"), discarded=True)
    assert await said(brain, asking("is my timer done")) == "No timer is running."
    await said(brain, asking("set a timer for one minute"))
    await said(brain, asking("cancel the timer"), discarded=True)
    assert (await said(brain, asking("is my timer done"))).endswith("left.")
    assert (await said(brain, asking("say that again"))).endswith("left.")


@pytest.mark.parametrize(
    ("heard", "rest"),
    [
        ("Twelve plus thirty", " is forty two."),
        ("twelve plus 30 is", " forty two."),
        ("Twelve plus thirty is forty two.", ""),
        ("It is three", "Twelve plus thirty is forty two."),
    ],
)
async def test_an_answer_goes_on_behind_what_was_heard_of_it(
    brain: RulesBrain, heard: str, rest: str
) -> None:
    assert await said(brain, asking("what is twelve plus thirty", heard)) == rest
