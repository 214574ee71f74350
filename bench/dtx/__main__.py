"""What discontinuous transmission costs in accuracy: `python -m bench.dtx`, about a minute.

Spoken turns with pauses, over noise, are encoded as Chromium encodes them, without DTX and
with it, and go through the product's receiver and the embedded engine's ears on a virtual
clock. Both lines of a pair hear the same samples.

- noise: how far the hiss lies below the speech; path: whether it loses 5 % of the packets, and
  delays them by 15 ms on average;
- turns: heard of those spoken; `split` have an end too many, `merged` swallowed the next one,
  `false` were heard where nobody spoke;
- start, end: from the first and the last voiced sample's leaving the microphone to the engine's
  SpeechStarted and TurnEnded, ms;
- errors: words that the embedded recogniser got wrong;
- packets a second, in the pauses.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path as Directory

from bench.dtx.conversation import conversation, noisy
from bench.dtx.ears import Ears, listen
from bench.dtx.microphone import Microphone, Path, arrivals, packets
from bench.dtx.result import Result
from bench.figures import publish
from bench.tables import as_text
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.vad import SileroModel
from tests.e2e.speech import Speaker

NOISES_DB = (None, 40, 30, 20, 10)
PATHS = (Path("clean"), Path("rough", loss=0.05, jitter_s=0.015))

Line = tuple[int | None, Path, bool, Result]
"""Noise, path, whether with DTX, and what came of it."""


async def lines(recogniser: EmbeddedRecogniser, speaker: Speaker) -> AsyncIterator[Line]:
    model = SileroModel()
    clean, spoken = conversation(speaker)
    for below_db in NOISES_DB:
        samples = clean if below_db is None else noisy(clean, below_db)
        sent = {dtx: list(packets(samples, Microphone(dtx))) for dtx in (False, True)}
        for path in PATHS:
            for dtx in (False, True):
                stream = recogniser.open_stream()
                ears = Ears(model, stream)
                await listen(arrivals(sent[dtx], path), ears)
                stream.close()
                yield below_db, path, dtx, Result.of(spoken, ears.heard, sent[dtx])


async def measure() -> tuple[list[list[str]], dict[str, float | str]]:
    recogniser = EmbeddedRecogniser(CascadeCounters())
    await recogniser.start()
    table: list[list[str]] = []
    figures: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory() as directory:
        async for below_db, path, dtx, result in lines(recogniser, Speaker(Directory(directory))):
            noise = "none" if below_db is None else f"-{below_db} dB"
            found = dict(result.figures())
            table.append([noise, path.name, "yes" if dtx else "no", *map(str, found.values())])
            way = "dtx" if dtx else "continuous"
            for name, value in found.items():
                figures[f"{noise}.{path.name}.{way}.{name}"] = value
    await recogniser.close()
    return [["noise", "path", "dtx", *found], *table], figures


def main() -> None:
    table, figures = asyncio.run(measure())
    publish("dtx", figures)
    print(as_text(table))


if __name__ == "__main__":
    main()
