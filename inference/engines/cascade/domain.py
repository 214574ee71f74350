"""The sentences that the embedded recogniser listens for and the rules answer.

The language model is built from them, so that the recogniser prefers what can be
answered; a test holds the rules to answer every one.
"""

from collections.abc import Iterator

from inference.engines.cascade.number_words import number_words

OPERATORS = ("plus", "minus", "times", "divided by")
LARGEST_OPERAND = 100

TIME_QUESTIONS = ("what time is it", "what is the time", "tell me the time")
DATE_QUESTIONS = (
    "what is the date",
    "what is the date today",
    "what day is it",
    "what day is it today",
    "tell me the date",
)
GREETINGS = ("hello", "hello there", "hi there", "good morning", "good evening")
FAREWELLS = ("goodbye", "bye bye")
THANKS = ("thank you", "thank you very much", "thanks")
STOPS = ("stop", "please stop", "stop talking", "be quiet")
HELP_QUESTIONS = ("what can you do", "what can i say", "help me", "can you help me")
NAME_QUESTIONS = ("who are you", "what are you", "what is your name")
WELL_BEING_QUESTIONS = ("how are you", "how are you today")
REPEAT_REQUESTS = ("can you repeat that", "please repeat that", "say that again")
SHORT_ANSWERS = ("yes", "no", "okay")
BACKCHANNELS = ("yeah", "right", "uh-huh", "mhm", "hmm", "um", "oh")
"""What a listener says to show that they follow: understood, it does not interrupt."""

TIMER_QUESTIONS = (
    "how much time is left",
    "how long is left on the timer",
    "is my timer done",
)
TIMER_CANCELLATIONS = ("cancel the timer", "stop the timer", "cancel my timer")

PHRASES = (
    TIME_QUESTIONS
    + DATE_QUESTIONS
    + GREETINGS
    + FAREWELLS
    + THANKS
    + STOPS
    + HELP_QUESTIONS
    + NAME_QUESTIONS
    + WELL_BEING_QUESTIONS
    + REPEAT_REQUESTS
    + SHORT_ANSWERS
    + TIMER_QUESTIONS
    + TIMER_CANCELLATIONS
)

SPELLABLE_WORDS = tuple(
    """
    apple banana bread butter cat chair chicken computer dog doctor elephant garden green horse
    house island kitchen monkey music orange paper planet purple rabbit river sugar summer table
    teacher telephone tiger water window winter yellow
    """.split()  # noqa: SIM905  (one word a line would be a page)
)

SPELLING_REQUESTS = ("spell {}", "how do you spell {}", "can you spell {}", "spell the word {}")

REPEATABLE_PHRASES = (
    "good morning",
    "good evening",
    "hello world",
    "i like music",
    "i love summer",
    "the cat is black",
    "the sun is yellow",
    "the weather is nice",
    "we go to the garden",
    "one two three",
    "my dog likes water",
    "summer is here",
)

_PHRASE_WEIGHT = 20
_BACKCHANNEL_WEIGHT = 12
"""Were they as likely as whole questions, silence would be heard as "oh"."""
_TEMPLATE_WEIGHT = 3
_SPELLING_WEIGHT = 4
"""So that "how do" is not lost beside "how much is", which stands before every sum."""
_OPERAND_STEP = 37
"""Pairs each operand with another one, without a preference: coprime to their number."""


def sentences() -> Iterator[tuple[str, int]]:
    """Sentences with how often each counts against the others."""
    yield from ((phrase, _PHRASE_WEIGHT) for phrase in PHRASES)
    yield from ((sound, _BACKCHANNEL_WEIGHT) for sound in BACKCHANNELS)
    yield from _sums()
    yield from _timers()
    for word in SPELLABLE_WORDS:
        for template in SPELLING_REQUESTS:
            yield template.format(word), _SPELLING_WEIGHT
        yield f"repeat after me {word}", 1
    for phrase in REPEATABLE_PHRASES:
        yield f"repeat after me {phrase}", _TEMPLATE_WEIGHT


def _sums() -> Iterator[tuple[str, int]]:
    """Each number on each side of each operator; not each pair, which a trigram cannot tell."""
    count = LARGEST_OPERAND + 1
    for left in range(count):
        for index, operator in enumerate(OPERATORS):
            right = (left * _OPERAND_STEP + index) % count
            terms = f"{number_words(left)} {operator} {number_words(right)}"
            yield f"what is {terms}", _TEMPLATE_WEIGHT
            yield f"how much is {terms}", 1


def _timers() -> Iterator[tuple[str, int]]:
    for number in range(1, 61):
        plural = "" if number == 1 else "s"
        for unit in ("second", "minute"):
            yield f"set a timer for {number_words(number)} {unit}{plural}", _TEMPLATE_WEIGHT
    yield "set a timer for one hour", _TEMPLATE_WEIGHT
    yield "set a timer for two hours", _TEMPLATE_WEIGHT
