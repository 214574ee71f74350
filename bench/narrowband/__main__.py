"""`python -m bench.narrowband`: the whole experiment, as `bench/out/narrowband.json`."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from bench.figures import publish
from bench.narrowband.experiment import Laboratory
from bench.narrowband.outcome import Findings
from bench.narrowband.speech import Sentence, spoken, texts
from bench.narrowband.summary import figures

TEXTS = 20

laboratory = cache(Laboratory)


def findings(number: int, sentence: Sentence) -> Findings:
    return laboratory().outcomes(number, sentence), laboratory().voiced(sentence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=TEXTS)
    sentences = list(spoken(texts(parser.parse_args().texts)))
    with ProcessPoolExecutor() as processes:
        found = list(processes.map(findings, range(len(sentences)), sentences))
    publish("narrowband", figures(found))


if __name__ == "__main__":
    main()
