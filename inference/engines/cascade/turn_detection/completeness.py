"""How likely words make a whole turn: punctuation, dangling ends, fillers, dictated numbers.

The words that it knows are English; of another language, punctuation is what is judged.
"""

import re
from collections.abc import Sequence

from inference.engines.cascade.number_words import NumberWordsError, parse_number
from inference.engines.cascade.turn_detection import english

WHOLE = 1.0
UNKNOWN = 0.5
"""What was heard, if anything, could go on as well as end."""
OPEN = 0.2
"""More is likely to come."""
HANGING = 0.0

LONGEST_REPLY = 4
"""Words, as in "yes i think it is"."""
SHORTEST_CLAUSE = 3
"""Words within which what opens a main clause belongs to the subordinate one."""
DICTATED_DIGITS = 4
"""So many digits in a row are said in dictation only."""
TELEPHONE_DIGITS = 10
"""Of a whole number, its area included."""

_TRAILING_OFF = (",", ";", ":", "-", "\N{EN DASH}", "\N{EM DASH}", "...", "…")
_ENDING = (*".?!", *"。؟।", "\N{FULLWIDTH QUESTION MARK}", "\N{FULLWIDTH EXCLAMATION MARK}")
_WORD = re.compile(r"[\w']+")

Words = Sequence[str]


def completeness(transcript: str) -> float:
    """From HANGING, where the words cannot end a turn, to WHOLE, where they most likely do."""
    text = transcript.strip()
    words = _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if not words:
        return UNKNOWN
    if text.endswith(_TRAILING_OFF) or _hangs(words):
        return HANGING
    digits = _trailing_digits(words)
    cues = english.DICTATION_CUES.intersection(words)
    if digits and (cues or digits >= DICTATED_DIGITS):
        return _dictated(digits, bool(cues & english.SHORT_CODE_CUES))
    if _lacks_unit(words):
        return OPEN
    if text.endswith(_ENDING):
        return WHOLE
    return UNKNOWN if _is_stranded(words) or _is_subordinate(words) else WHOLE


def _hangs(words: Words) -> bool:
    last = words[-1]
    if _ends_with(words, english.FILLER_PHRASES):
        return True
    if _ends_with(words, english.WHOLE_ENDS) or _is_reply(words) or _is_stranded(words):
        return False
    if last in english.PARTICLES and english.PARTICLE_VERBS.intersection(words):
        return False
    if last == "that":
        return len(words) > 1 and words[-2] in english.SAYING_VERBS
    if last == "timer":
        return "set" in words
    return last in english.DANGLING or last in english.FILLERS


def _ends_with(words: Words, phrases: frozenset[tuple[str, ...]]) -> bool:
    return any(tuple(words[-length:]) in phrases for length in (2, 3))


def _is_reply(words: Words) -> bool:
    """As "yes it is"."""
    return (
        1 < len(words) <= LONGEST_REPLY
        and words[0] in english.REPLIES
        and words[-1] in english.AUXILIARIES
    )


def _is_stranded(words: Words) -> bool:
    return (
        len(words) > SHORTEST_CLAUSE
        and words[0] in english.QUESTION_WORDS
        and words[-1] in english.STRANDED
    )


def _is_subordinate(words: Words) -> bool:
    """Whether all that was said is a clause that another one must follow."""
    if words[0] not in english.SUBORDINATORS or english.AUXILIARIES.intersection(words[1:2]):
        return False
    return not english.MAIN_CLAUSE_OPENERS.intersection(words[SHORTEST_CLAUSE:])


def _dictated(digits: int, short: bool) -> float:
    """How likely so many digits are all of a number; `short`: of a code, not of a telephone."""
    if digits >= TELEPHONE_DIGITS:
        return WHOLE
    return UNKNOWN if short and digits >= DICTATED_DIGITS else OPEN


def _trailing_digits(words: Words) -> int:
    """How many digits the words end with, said one by one or written."""
    count = 0
    for word in reversed(words):
        if not word.isdigit() and word not in english.DIGITS:
            break
        count += len(word) if word.isdigit() else 1
    return count


def _lacks_unit(words: Words) -> bool:
    """As "set a timer for five"."""
    return (
        "for" in words and bool(english.DURATION_CUES.intersection(words)) and _is_number(words[-1])
    )


def _is_number(word: str) -> bool:
    try:
        parse_number([word])
    except NumberWordsError:
        return False
    return True
