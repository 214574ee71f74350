"""What is compared."""

from dataclasses import dataclass

from bench.loss.channel import Pattern
from bench.narrowband.guesses import Guess
from bench.narrowband.line import Line


@dataclass(frozen=True, slots=True)
class Condition:
    line: Line
    loss: float = 0.0
    pattern: Pattern = Pattern.RANDOM
    guess: Guess = Guess.BOTH_SIDES
    upper_band: bool = True
    """Whether the recogniser makes up the band that the line cut off."""

    def __str__(self) -> str:
        parts = [self.line.value]
        if self.loss:
            parts += [f"{self.pattern.value}{100 * self.loss:.0f}", self.guess.value]
        return ".".join(parts if self.upper_band else [*parts, "as_it_comes"])


PATHS = ((Pattern.RANDOM, 0.02), (Pattern.RANDOM, 0.05), (Pattern.BURSTY, 0.05))
CALLED = (Line.PCMU, Line.PCMA, Line.TRUNK)

WHOLE = [Condition(line) for line in Line]
AS_IT_COMES = [Condition(line, upper_band=False) for line in CALLED]
LOSSY = [Condition(line, loss, pattern) for line in CALLED for pattern, loss in PATHS]
GUESSED = [
    Condition(Line.PCMU, loss, pattern, guess)
    for pattern, loss in PATHS
    for guess in Guess
    if guess is not Guess.BOTH_SIDES
]
CONDITIONS = [*WHOLE, *AS_IT_COMES, *LOSSY, *GUESSED]
