"""What the embedded agent is asked: sentences of its domain, and others that it must refuse."""

import itertools
import random
from collections.abc import Callable

from inference.engines.cascade import domain
from inference.engines.cascade.number_words import number_words

SUMS, TIMERS, PHRASES, SPELLINGS, REPETITIONS = 40, 15, 25, 10, 10
"""Questions of each kind in a hundred."""

SUBJECTS = (
    "my neighbour",
    "the old captain",
    "a friend of hers",
    "the committee",
    "our landlord",
    "the youngest child",
    "that company",
    "his lawyer",
    "the orchestra",
    "everybody here",
)
PREDICATES = (
    "sold the bicycle because it was too heavy",
    "wants to move to another country next spring",
    "never believed the story about the bridge",
    "is looking for a cheaper flight to Lisbon",
    "forgot to water the tomatoes again",
    "wrote a long letter to the insurance",
    "prefers fresh fish over anything frozen",
    "complained about the noise on the staircase",
    "will pay the invoice before the deadline",
    "cannot remember the password of the router",
)
REQUESTS = (
    "can you book me a table for tonight",
    "play some jazz in the living room",
    "who won the football match yesterday",
    "send a message to my sister",
    "turn down the heating please",
    "how far is it to the next petrol station",
    "what is the capital of Portugal",
    "read me the latest headlines",
    "is there any milk in the fridge",
    "translate this sentence into French",
    "add eggs and flour to my shopping list",
    "when does the last train leave",
    "will it rain at the weekend",
    "call the doctor and cancel my appointment",
    "which film should we watch",
    "how do i get a stain out of a carpet",
    "tell me something about the Roman empire",
    "wake me up a little earlier than usual",
    "why does my back hurt in the morning",
    "order the same pizza as last week",
)


def domain_questions(count: int = 100) -> list[str]:
    """Different ones, of every skill; the same ones each time. `count` of at most 100."""
    chance = random.Random(5)
    questions = [
        *_different(chance, SUMS, _sum),
        *_different(chance, TIMERS, _timer),
        *chance.sample(domain.PHRASES, PHRASES),
        *(f"how do you spell {word}" for word in chance.sample(domain.SPELLABLE_WORDS, SPELLINGS)),
        *(
            f"repeat after me {phrase}"
            for phrase in chance.sample(domain.REPEATABLE_PHRASES, REPETITIONS)
        ),
    ]
    chance.shuffle(questions)
    return questions[:count]


def other_utterances(count: int = 100) -> list[str]:
    """Nothing of it can be answered by the rules. `count` of at most 120."""
    statements = [" ".join(pair) for pair in itertools.product(SUBJECTS, PREDICATES)]
    utterances = [*REQUESTS, *statements]
    random.Random(6).shuffle(utterances)
    return utterances[:count]


def _different(
    chance: random.Random, count: int, make: Callable[[random.Random], str]
) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        made[make(chance)] = None
    return list(made)


def _sum(chance: random.Random) -> str:
    left, right = (number_words(chance.randint(0, domain.LARGEST_OPERAND)) for _ in range(2))
    return f"what is {left} {chance.choice(domain.OPERATORS)} {right}"


def _timer(chance: random.Random) -> str:
    number, unit = chance.randint(2, 60), chance.choice(("second", "minute"))
    return f"set a timer for {number_words(number)} {unit}s"
