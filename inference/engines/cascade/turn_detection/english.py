"""English words by what they say about the end of a sentence, in lower case."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(*texts: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(text.split()) for text in texts)


DANGLING = _words(
    """
    a about against am an and are as at because been between but by call can could did divided
    does every find for from get give had has have if in into is it's like make many me minus
    much my need of on or our plus put remind repeat send set shall should show spell tell than
    the their then they're times to want was we're were what's when where whether which who why
    will with would you're your
    """
)
"""A sentence seldom ends with them."""

FILLERS = _words("actually ah anyway basically er erm hm hmm mm so uh uhm um umm well")
FILLER_PHRASES = _phrases(
    "hang on", "hold on", "i mean", "let me see", "let me think", "let's see", "you know"
)

WHOLE_ENDS = _phrases(
    "as well", "call me", "for me", "guess so", "help me", "hope so", "suppose so", "think so",
    "so much", "to me", "too much", "very much", "very well", "with me",
)  # fmt: skip
"""Ends that are whole although their last word alone is not."""

PARTICLES = _words("in off on out up")
PARTICLE_VERBS = _words("come get go log move pick shut sign switch turn wake")
"""With a particle at the end they are whole: "turn the lights on"."""

STRANDED = _words("about at for from in like of on to with")
QUESTION_WORDS = _words("how what what's when where which who who's why")
"""A question may end with its preposition: "what is the weather like"."""

REPLIES = _words("no nope okay sure yeah yep yes")

SAYING_VERBS = _words("believe guess heard hope know mean said say so such suppose think told")
"""Before "that", they open a clause."""

SUBORDINATORS = _words(
    "after although as because before if once since though unless until when whenever while"
)
AUXILIARIES = _words("am are can could did do does has have is should was were will would")
MAIN_CLAUSE_OPENERS = _words(
    """
    call can cancel could do does give he how i i'd i'll i'm is it's let's make play please
    remind send set she should show start stop switch tell that's then there they turn wake we
    we'll what what's where which who why will would you
    """
)

DICTATION_CUES = _words(
    "account card code extension mobile number password phone pin reference serial zip"
)
SHORT_CODE_CUES = _words("code extension password pin zip")
DIGITS = _words("zero oh one two three four five six seven eight nine double triple")
DURATION_CUES = _words("alarm remind timer wait")
