"""The brain that needs no model: a few skills, and plain words about their limits.

A sentence is understood as a whole or not at all. The recogniser turns speech
from outside the domain into a jumble of the domain's words, and refusing the
jumble is what keeps this brain from answering questions that nobody asked.
"""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

from antiphon_proto.trunk import Item, Role
from inference.engines.cascade import domain
from inference.engines.cascade.brain.brain import SILENCE, BrainOutput, Effect, Prompt
from inference.engines.cascade.brain.expert_tool import consultation, offers_expert
from inference.engines.cascade.brain.sums import SumError, answer_sum
from inference.engines.cascade.brain.timers import UNIT_SECONDS, Timer, Timers, duration_words
from inference.engines.cascade.brain.unsaid import unsaid
from inference.engines.cascade.number_words import NumberWordsError, number_words, parse_number

SKILLS = "I can tell the time and the date, do sums, set timers, spell words, and repeat after you."
GREETING = "Hello. What can I do for you?"
NOT_UNDERSTOOD = f"Sorry, I did not understand that. {SKILLS}"

BLIND = "I cannot look at images."
STILL_THERE = "Are you still there?"

MAX_TIMERS = 10

_LAST_WORDS = frozenset(
    sentence.split()[-1]
    for sentence, _weight in domain.sentences()
    if sentence not in domain.BACKCHANNELS
)
_BACKCHANNELS = tuple(sound.replace("-", " ") for sound in domain.BACKCHANNELS)
_NOT_WORDS = re.compile(r"[^a-z0-9' ]+")

Rule = tuple["re.Pattern[str]", Callable[["re.Match[str]"], str]]


class Rules:
    """Opens brains on this machine's clocks."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """`now` gives local time; `monotonic` gives seconds, for timers."""
        self._now = now
        self._monotonic = monotonic

    def open(self, session_key: str = "") -> "RulesBrain":
        return RulesBrain(self._now, self._monotonic)

    async def close(self) -> None:
        """There is nothing to close."""


class RulesBrain:
    """Answers one session; keeps its timers."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._timers = Timers()
        self._said = ""
        self._rules: Sequence[Rule] = self._build_rules()

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        later = self._copy()
        request = _last_request(prompt.history)
        reply = later.reply(request)
        if _shows_image(prompt.history):
            reply = f"{BLIND} {reply}" if request else f"{BLIND} {SKILLS}"
        yield Effect(lambda: self._become(later, said=not prompt.out_of_band))
        asks = bool(request) and offers_expert(prompt) and reply.endswith(NOT_UNDERSTOOD)
        if asks:
            reply = reply.removesuffix(NOT_UNDERSTOOD)
        if rest := unsaid(reply, prompt.said):
            yield rest
        if request and asks:
            yield consultation(request)

    def reply(self, request: str | None) -> str:
        """The answer to what the user said last; None where nothing was said yet."""
        due = self._timers.take_due(self._monotonic())
        answer = GREETING if request is None else self._reply_to(_normalised(request))
        self._said = answer
        return " ".join([*map(_timer_notice, due), answer])

    def _copy(self) -> "RulesBrain":
        copy = RulesBrain(self._now, self._monotonic)
        copy._become(self)
        return copy

    def _become(self, other: "RulesBrain", *, said: bool = True) -> None:
        self._timers = other._timers.copy()
        if said:
            self._said = other._said

    def _reply_to(self, request: str) -> str:
        answer = self._apply_rules(request)
        if answer == NOT_UNDERSTOOD and (inner := _without_noise(request)) != request:
            answer = self._apply_rules(inner)
        return answer

    def _apply_rules(self, request: str) -> str:
        for pattern, answer in self._rules:
            match = pattern.fullmatch(request)
            if match:
                return answer(match)
        return NOT_UNDERSTOOD

    def _build_rules(self) -> Sequence[Rule]:
        return [
            _rule((_normalised(SILENCE),), lambda _: STILL_THERE),
            _rule(domain.TIME_QUESTIONS, lambda _: self._time()),
            _rule(domain.DATE_QUESTIONS, lambda _: self._date()),
            _rule(domain.GREETINGS, lambda _: GREETING),
            _rule(domain.FAREWELLS, lambda _: "Goodbye."),
            _rule(domain.THANKS, lambda _: "You are welcome."),
            _rule(domain.STOPS, lambda _: "Okay."),
            _rule(domain.HELP_QUESTIONS, lambda _: SKILLS),
            _rule(domain.NAME_QUESTIONS, lambda _: f"I am Antiphon, a voice agent. {SKILLS}"),
            _rule(domain.WELL_BEING_QUESTIONS, lambda _: "I am fine, thank you."),
            _rule(domain.SHORT_ANSWERS + _BACKCHANNELS, lambda _: "What can I do for you?"),
            _rule(domain.REPEAT_REQUESTS, lambda _: self._said or "I have said nothing yet."),
            _rule(domain.TIMER_QUESTIONS, lambda _: self._time_left()),
            _rule(domain.TIMER_CANCELLATIONS, lambda _: self._cancel_timers()),
            (re.compile(r"(?:set|start) a timer for (.+) (second|minute|hour)s?"), self._set_timer),
            (re.compile(r"(?:(?:how do|can) you )?spell (?:the word )?([a-z]+)"), _spell),
            (re.compile(r"repeat after me (.+)"), lambda match: f"{match[1].capitalize()}."),
            (re.compile(r"(?:(?:what is|how much is|calculate) )?(.+)"), _sum),
        ]

    def _time(self) -> str:
        now = self._now()
        minute = "o'clock" if now.minute == 0 else number_words(now.minute)
        if 0 < now.minute < 10:
            minute = f"oh {minute}"
        hour = number_words(now.hour % 12 or 12)
        return f"It is {hour} {minute} {'a m' if now.hour < 12 else 'p m'}."

    def _date(self) -> str:
        return f"Today is {self._now():%A, %B} {self._now().day}, {self._now().year}."

    def _set_timer(self, match: "re.Match[str]") -> str:
        try:
            number = parse_number(match[1].split())
        except NumberWordsError:
            return NOT_UNDERSTOOD
        if not 0 < number * UNIT_SECONDS[match[2]] <= 24 * 3600:
            return "I can set timers from one second to twenty four hours."
        if self._timers.running >= MAX_TIMERS:
            return "I cannot run more timers."
        timer = self._timers.set(number, match[2], self._monotonic())
        return f"Timer set for {timer.label}{'' if number == 1 else 's'}. I cannot ring, so ask me."

    def _time_left(self) -> str:
        timer = self._timers.next()
        if timer is None:
            return "No timer is running."
        left = duration_words(timer.due - self._monotonic())
        return f"Your {timer.label} timer has {left} left."

    def _cancel_timers(self) -> str:
        count = self._timers.cancel_all()
        if count == 0:
            return "No timer is running."
        return "Timer cancelled." if count == 1 else "Timers cancelled."


def _rule(phrases: Sequence[str], answer: Callable[["re.Match[str]"], str]) -> Rule:
    return re.compile("|".join(map(re.escape, phrases))), answer


def _spell(match: "re.Match[str]") -> str:
    word = match[1]
    return f"{word.capitalize()} is spelled {', '.join(word.upper())}."


def _sum(match: "re.Match[str]") -> str:
    try:
        return answer_sum(match[1])
    except SumError:
        return NOT_UNDERSTOOD


def _timer_notice(timer: Timer) -> str:
    return f"Your {timer.label} timer is done."


def _normalised(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", text.lower().replace("’", "'")).split())


def _without_noise(request: str) -> str:
    """The request without the word at its end that a click or a breath is heard as.

    Such a word ends no sentence of the domain: "a", most often.
    """
    inner, _, last = request.rpartition(" ")
    return request if last in _LAST_WORDS else inner


def _shows_image(history: Sequence[Item]) -> bool:
    """Whether the user's last message holds an image."""
    last = next((item for item in reversed(history) if item.role is Role.USER), None)
    return last is not None and bool(last.images)


def _last_request(history: Sequence[Item]) -> str | None:
    """What the user said last."""
    for item in reversed(history):
        if item.role is Role.USER and isinstance(item.content, str):
            return item.content
    return None
