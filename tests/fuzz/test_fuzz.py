from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.run import FuzzError, Target, discover, fuzz, inputs

COUNT = 2000
TARGETS = discover(Path(__file__).parent)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_sample(target: Target) -> None:
    fuzz(target, COUNT, seed=0)


def test_the_same_seed_gives_the_same_inputs() -> None:
    target = Target("any", lambda data: None, [b"one seed", b"and another"])
    assert list(inputs(target, 100, seed=1)) == list(inputs(target, 100, seed=1))
    assert list(inputs(target, 100, seed=1)) != list(inputs(target, 100, seed=2))
    assert list(inputs(target, 2, seed=1)) == [b"one seed", b"and another"]


@pytest.mark.parametrize(
    "seen",
    [
        lambda data: len(data) < 8,
        lambda data: len(data) > 8,
        lambda data: data != b"one seed",
    ],
)
def test_a_bug_is_found_and_its_input_shown(seen: Callable[[bytes], bool]) -> None:
    def buggy(data: bytes) -> None:
        if seen(data):
            raise IndexError

    with pytest.raises(FuzzError, match="--input") as caught:
        fuzz(Target("buggy", buggy, [b"one seed"]), COUNT, seed=0)
    assert isinstance(caught.value.__cause__, IndexError)
