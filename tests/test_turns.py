"""A test that needs the machine for itself gets it, and does not wait forever."""

import fcntl
import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.turns import Company, Turns

SPAWN = multiprocessing.get_context("spawn")
ANYBODY, CALM, NOBODY = Company.ANYBODY, Company.CALM, Company.NOBODY


def _one_test(folder: Path) -> None:
    with Turns(folder).turn(ANYBODY):
        (folder / "note").touch()


def _tests_without_end(folder: Path, note: Path, over: Event) -> None:
    turns = Turns(folder)
    while not over.is_set():
        with turns.turn(ANYBODY):
            note.write_text("busy")
            time.sleep(0.002)
            note.write_text("")


@pytest.mark.parametrize("company", [NOBODY, CALM])
@pytest.mark.parametrize("in_a_row", [False, True])
def test_nobody_runs_beside_one_that_wants_other_company(
    tmp_path: Path, company: Company, in_a_row: bool
) -> None:
    turns = Turns(tmp_path)
    over = SPAWN.Event()
    others = [
        SPAWN.Process(target=_tests_without_end, args=(tmp_path, tmp_path / f"note{i}", over))
        for i in range(2)
    ]
    for other in others:
        other.start()
    try:
        notes = [tmp_path / f"note{i}" for i in range(2)]
        while not all(note.exists() for note in notes):
            time.sleep(0.01)
        for _ in range(20):
            with turns.turn(company, company if in_a_row else ANYBODY):
                seen = {note.read_text() for note in notes for _ in range(20)}
            assert seen == {""}
    finally:
        with turns.turn(ANYBODY):
            over.set()
        for other in others:
            other.join()


@pytest.mark.parametrize("company", [ANYBODY, CALM])
def test_those_who_want_the_same_company_run_side_by_side(tmp_path: Path, company: Company) -> None:
    with Turns(tmp_path).turn(company), Turns(tmp_path).turn(company):
        pass


def test_nobody_runs_between_two_in_a_row(tmp_path: Path) -> None:
    turns, other = Turns(tmp_path), SPAWN.Process(target=_one_test, args=(tmp_path,))
    with turns.turn(NOBODY, NOBODY):
        other.start()
    with turns.turn(NOBODY, NOBODY):
        assert not (tmp_path / "note").exists()
    with turns.turn(NOBODY):
        assert not (tmp_path / "note").exists()
    other.join()
    assert (tmp_path / "note").exists()


@pytest.mark.parametrize("company", [ANYBODY, CALM])
def test_who_takes_over_is_alone_for_the_rest_of_a_turn(tmp_path: Path, company: Company) -> None:
    turns = Turns(tmp_path)
    with turns.turn(company, company):
        turns.take_over()
        turns.take_over()
        with (tmp_path / "nobody").open() as room, pytest.raises(BlockingIOError):
            fcntl.flock(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
    with Turns(tmp_path).turn(NOBODY):
        pass
