"""The generated language model: a proper distribution, in a form that the decoder reads."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from inference.engines.cascade import domain
from inference.engines.cascade.language_model import (
    MissingPronunciationError,
    TrigramModel,
    pronunciations,
    with_british_variants,
    write_model,
)

SENTENCES = [("spell cat", 3), ("spell dog", 1), ("what time is it", 2)]


@pytest.fixture
def model() -> TrigramModel:
    return TrigramModel(SENTENCES)


@pytest.mark.parametrize(
    "history", [(), ("spell",), ("<s>", "spell"), ("time", "is"), ("cat",), ("dog", "what")]
)
def test_probabilities_sum_to_one(model: TrigramModel, history: tuple[str, ...]) -> None:
    successors = [*model.words, "</s>"]
    assert sum(model.probability(history, word) for word in successors) == pytest.approx(1)


def test_more_frequent_is_more_likely(model: TrigramModel) -> None:
    assert model.probability(("<s>", "spell"), "cat") > model.probability(("<s>", "spell"), "dog")


def test_unseen_order_stays_possible(model: TrigramModel) -> None:
    assert 0 < model.probability(("time",), "cat") < model.probability(("spell",), "cat")


def test_arpa_counts_what_it_lists(model: TrigramModel) -> None:
    header, *sections = model.arpa().split("\n\n\\")
    counts = [int(line.partition("=")[2]) for line in header.splitlines()[1:]]
    listed = [len(section.strip().splitlines()) - 1 for section in sections[:3]]
    assert counts == listed
    assert sections[-1].startswith("end\\")


def test_pronunciations_keep_variants() -> None:
    lines = ["cat K AE T\n", "the DH AH\n", "the(2) DH IY\n", "dog D AO G\n", "\n"]
    assert pronunciations({"the", "cat"}, lines) == lines[:3]


def test_british_variants_are_numbered_behind_the_others() -> None:
    lines = ["after AE F T ER\n", "the DH AH\n", "the(2) DH IY\n", "water W AO T ER\n"]
    assert with_british_variants(lines) == [
        *lines,
        "after(2) AE F T AH\n",
        "after(3) AA F T ER\n",
        "after(4) AA F T AH\n",
        "water(2) W AO T AH\n",
    ]


def test_a_word_without_pronunciation() -> None:
    with pytest.raises(MissingPronunciationError, match="xyzzy"):
        pronunciations({"xyzzy"}, ["cat K AE T\n"])


def test_the_domain_can_be_pronounced(tmp_path: Path) -> None:
    spec = find_spec("pocketsphinx")
    assert spec is not None
    assert spec.submodule_search_locations
    dictionary = Path(spec.submodule_search_locations[0]) / "model/en-us/cmudict-en-us.dict"

    files = write_model(domain.sentences(), dictionary, tmp_path)

    words = {line.split("(")[0].split()[0] for line in files.dictionary.read_text().splitlines()}
    assert words == {word for sentence, _ in domain.sentences() for word in sentence.split()}
