"""The recogniser's language model: trigrams of the domain, and the words' pronunciations.

A trigram model leaves the order of words free where a grammar would not, so that
speech from outside the domain becomes a sentence that the rules refuse and not
the nearest question they know. A dictionary of the domain's words alone makes a
decoder cost 20 ms and a few MB instead of 400 ms and 95 MB.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ORDER = 3
DISCOUNT = 0.5
"""Taken from every count and given to unseen successors (absolute discounting)."""

START, END = "<s>", "</s>"
_NEVER = -99.0
_VARIANT = re.compile(r"\(\d+\)$")

Ngram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    language_model: Path
    dictionary: Path


class MissingPronunciationError(ValueError):
    """A word of the domain is not in the pronouncing dictionary."""


class TrigramModel:
    """Interpolated absolute discounting over weighted sentences."""

    def __init__(self, sentences: Iterable[tuple[str, int]]) -> None:
        self._successors: dict[Ngram, Counter[str]] = defaultdict(Counter)
        for sentence, weight in sentences:
            words = (START, *sentence.split(), END)
            for end in range(1, len(words) + 1):
                for length in range(1, min(ORDER, end) + 1):
                    *history, word = words[end - length : end]
                    self._successors[tuple(history)][word] += weight
        del self._successors[()][START]

    @property
    def words(self) -> set[str]:
        """The vocabulary, without the marks of a sentence's ends."""
        return set(self._successors[()]) - {END}

    def probability(self, history: Ngram, word: str) -> float:
        """Of `word` after `history`; 0 for a word that is not in the vocabulary."""
        successors = self._successors.get(history)
        if successors is None:
            return self.probability(history[1:], word)
        total = successors.total()
        if not history:
            return successors[word] / total
        seen = max(successors[word] - DISCOUNT, 0) / total
        return seen + self.backoff(history) * self.probability(history[1:], word)

    def backoff(self, history: Ngram) -> float:
        """The share of unseen successors; 1 for a history that was never seen."""
        successors = self._successors.get(history)
        if not successors:
            return 1.0
        return DISCOUNT * len(successors) / successors.total()

    def arpa(self) -> str:
        """The model in the ARPA format: log10 probability, words, log10 back-off weight."""
        sections = [self._ngrams(length) for length in range(1, ORDER + 1)]
        lines = ["\\data\\"]
        lines += [f"ngram {length}={len(ngrams)}" for length, ngrams in enumerate(sections, 1)]
        for length, ngrams in enumerate(sections, 1):
            lines += ["", f"\\{length}-grams:"]
            lines += [self._line(ngram, with_backoff=length < ORDER) for ngram in ngrams]
        return "\n".join([*lines, "", "\\end\\", ""])

    def _ngrams(self, length: int) -> list[Ngram]:
        ngrams = [
            (*history, word)
            for history, successors in self._successors.items()
            if len(history) == length - 1
            for word in successors
        ]
        return [(START,), *ngrams] if length == 1 else ngrams

    def _line(self, ngram: Ngram, *, with_backoff: bool) -> str:
        log = _NEVER if ngram == (START,) else math.log10(self.probability(ngram[:-1], ngram[-1]))
        line = f"{log:.4f} {' '.join(ngram)}"
        return f"{line} {math.log10(self.backoff(ngram)):.4f}" if with_backoff else line


def pronunciations(words: Iterable[str], dictionary: Iterable[str]) -> list[str]:
    """The dictionary's lines for `words`, with all their variants such as `the(2)`.

    Raises MissingPronunciationError.
    """
    wanted = set(words)
    lines = [line for line in dictionary if _VARIANT.sub("", _headword(line)) in wanted]
    missing = wanted - {_headword(line) for line in lines}
    if missing:
        raise MissingPronunciationError(f"no pronunciation of {', '.join(sorted(missing))}")
    return lines


def with_british_variants(lines: Iterable[str]) -> list[str]:
    """The lines, and how British English says their words where it differs most.

    The dictionary is American. The open vowel of "cat" is heard as another one by a
    model trained on American speech, and a final "er" has no r.
    """
    result = list(lines)
    known = Counter(_VARIANT.sub("", _headword(line)) for line in result)
    for line in list(result):
        headword, *phones = line.split()
        word = _VARIANT.sub("", headword)
        for variant in _british(phones):
            known[word] += 1
            result.append(f"{word}({known[word]}) {' '.join(variant)}\n")
    return result


def _british(phones: Sequence[str]) -> Iterator[list[str]]:
    """Other ways to say the phones: each change alone, and both."""
    vowels = [[*phones]]
    if "AE" in phones:
        vowels.append(["AA" if phone == "AE" else phone for phone in phones])
    endings = (["ER"], ["AH"]) if phones[-1] == "ER" else (phones[-1:],)
    for vowel in vowels:
        for ending in endings:
            variant = [*vowel[:-1], *ending]
            if variant != [*phones]:
                yield variant


def write_model(
    sentences: Iterable[tuple[str, int]], dictionary: Path, directory: Path
) -> ModelFiles:
    """Write the model of `sentences` and its part of the CMU `dictionary` into `directory`.

    Raises OSError and MissingPronunciationError.
    """
    model = TrigramModel(sentences)
    files = ModelFiles(directory / "domain.arpa", directory / "domain.dict")
    files.language_model.write_text(model.arpa(), encoding="ascii")
    with dictionary.open(encoding="utf-8") as lines:
        entries = with_british_variants(pronunciations(model.words, lines))
    files.dictionary.write_text("".join(entries), encoding="ascii")
    return files


def _headword(line: str) -> str:
    return line.split(maxsplit=1)[0] if line.strip() else ""
