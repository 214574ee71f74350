"""`python -m bench.loss`: the whole experiment, as `bench/out/loss.json` and docs/loss.svg."""

import argparse
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from bench.figures import publish
from bench.loss.channel import MEAN_BURST
from bench.loss.conditions import Condition
from bench.loss.experiment import Laboratory
from bench.loss.outcome import Outcome
from bench.loss.plot import draw
from bench.loss.speech import Sentence, sentences
from bench.loss.summary import figures

SENTENCES = 100
PLOT = Path(__file__).parents[2] / "docs" / "loss.svg"

laboratory = cache(Laboratory)


def outcomes(number: int, sentence: Sentence) -> dict[Condition, Outcome]:
    return laboratory().outcomes(number, sentence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    count = parser.parse_args().sentences
    spoken = list(sentences(count))
    with ProcessPoolExecutor() as processes:
        found = list(processes.map(outcomes, range(count), spoken))
    machine: dict[str, float | str] = {
        "machine.cores": os.cpu_count() or 0,
        "machine.architecture": platform.machine(),
        "machine.python": platform.python_version(),
        "mean_burst_packets": MEAN_BURST,
    }
    measured = machine | figures(found)
    publish("loss", measured)
    PLOT.write_text(draw(measured))


if __name__ == "__main__":
    main()
