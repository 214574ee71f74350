"""A test that needs the machine for itself gets it, and does not wait forever."""

import fcntl
import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.turns import Turns

SPAWN = multiprocessing.get_context("spawn")


def _one_test(folder: Path) -> None:
    with Turns(folder).turn(alone=False):
        (folder / "note").touch()


def _tests_without_end(folder: Path, note: Path, over: Event) -> None:
    turns = Turns(folder)
    while not over.is_set():
        with turns.turn(alone=False):
            note.write_text("busy")
            time.sleep(0.002)
            note.write_text("")


@pytest.mark.parametrize("in_a_row", [False, True])
def test_nobody_else_runs_beside_one_that_is_alone(tmp_path: Path, in_a_row: bool) -> None:
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
            with turns.turn(alone=True, next_alone=in_a_row):
                seen = {note.read_text() for note in notes for _ in range(20)}
            assert seen == {""}
    finally:
        with turns.turn(alone=False):
            over.set()
        for other in others:
            other.join()


def test_others_run_side_by_side(tmp_path: Path) -> None:
    with Turns(tmp_path).turn(alone=False), Turns(tmp_path).turn(alone=False):
        pass


def test_nobody_runs_between_two_in_a_row(tmp_path: Path) -> None:
    turns, other = Turns(tmp_path), SPAWN.Process(target=_one_test, args=(tmp_path,))
    with turns.turn(alone=True, next_alone=True):
        other.start()
    with turns.turn(alone=True, next_alone=True):
        assert not (tmp_path / "note").exists()
    with turns.turn(alone=True):
        assert not (tmp_path / "note").exists()
    other.join()
    assert (tmp_path / "note").exists()


def test_who_takes_over_is_alone_for_the_rest_of_a_turn(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    with turns.turn(alone=False):
        turns.take_over()
        turns.take_over()
        with (tmp_path / "room").open() as room, pytest.raises(BlockingIOError):
            fcntl.flock(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
    with Turns(tmp_path).turn(alone=True):
        pass
