"""How much worse speech sounds than it was."""

from pesq import PesqError, pesq

from antiphon.wav import Samples
from bench.loss.heard import ENGINE_RATE

WORST = 1.0
"""Of what has too little speech left to be scored."""


def score(whole: Samples, heard: Samples) -> float:
    """PESQ-WB, ITU-T P.862.2: about 1 to 4.64."""
    measured: float = pesq(ENGINE_RATE, whole, heard, "wb", on_error=PesqError.RETURN_VALUES)
    return max(measured, WORST)
