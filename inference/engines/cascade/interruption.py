"""Whether what the user says while the agent speaks is meant to interrupt it.

    on trial ──words that stand, or a long voice──► the floor is taken
        └──the end, and nothing said but "mm-hm"──► dismissed

People listen aloud: they cough, and they say that they follow ("backchannels"), and do not
want the floor. Nothing is lost by a late verdict, for the agent is silent meanwhile.
"""

from inference.engines.cascade.plain_words import plain_words
from inference.engines.cascade.vad import SAMPLE_RATE

LONG_MS = 1000
"""Voice that lasts longer takes the floor, whatever is understood: the longest "mm-hm"s of the
measurement in docs/decisions/0024-held-interruptions.md last 770 ms, and coughs 500."""

UNSTEADY_MS = 500
"""Words that were understood from less than this are not trusted before the end: a recogniser
tries out several beginnings."""

BACKCHANNELS = frozenset(
    """
    ah aha alright hm hmm huh hum mhm mm mmhm mmhmm mmm oh ok okay right uh uhhuh uhhum um yeah
    yep yes yup
    """.split()  # noqa: SIM905  (one word a line would be a page)
)
"""English words that say no more than that one listens, while another speaks."""


class Interruption:
    """The trial of one run of speech."""

    def __init__(self, voiced: int, backchannels: frozenset[str] = BACKCHANNELS) -> None:
        """`voiced`: the input clock's sample with which the voice begins."""
        self._voiced = voiced
        self._backchannels = backchannels
        self._opening = ""
        """The first word that means something, in the words heard last."""

    def hear(self, words: str, position: int) -> bool:
        """`words` is all that was understood of the speech until sample `position`.

        Whether it takes the floor: its first word with a meaning was there before, too.
        """
        before, self._opening = self._opening, self._first_meaning(words)
        steady = position - self._voiced >= UNSTEADY_MS * SAMPLE_RATE // 1000
        return steady and self._opening != "" and self._opening == before

    def go_on(self, voiced_end: int) -> bool:
        """There is voice up to sample `voiced_end`: whether it takes the floor."""
        return voiced_end - self._voiced >= LONG_MS * SAMPLE_RATE // 1000

    def is_turn(self, words: str) -> bool:
        """The speech is over, and `words` all that was understood."""
        return self._first_meaning(words) != ""

    def _first_meaning(self, words: str) -> str:
        meant = (word for word in plain_words(words) if word not in self._backchannels)
        return next(meant, "")
