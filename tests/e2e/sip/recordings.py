"""What callers say and hear in the tests with phones."""

from antiphon.wav import RATE, Samples
from tests.e2e.encoded_audio import LIKENESS_RATE, likeness, resampled

QUESTION = "what is two plus three"
ANSWER = "Two plus three is five."
LONG_QUESTION = "what can you do"
SAME_SOUND = 0.8
"""Of two recordings of one sentence, after telephony's codecs; of different ones it is 0.5."""


def same_sound(said: Samples, heard: Samples) -> bool:
    """Whether all of what was said is in what was heard."""
    return likeness(said, resampled(heard, RATE, LIKENESS_RATE)) > SAME_SOUND
