"""A test that needs the machine for itself gets it, and does not wait forever."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.turns import turn

SPAWN = multiprocessing.get_context("spawn")


def _tests_without_end(folder: Path, note: Path, over: Event) -> None:
    while not over.is_set():
        with turn(folder, alone=False):
            note.write_text("busy")
            time.sleep(0.002)
            note.write_text("")


def test_nobody_else_runs_beside_one_that_is_alone(tmp_path: Path) -> None:
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
            with turn(tmp_path, alone=True):
                seen = {note.read_text() for note in notes for _ in range(20)}
            assert seen == {""}
    finally:
        over.set()
        for other in others:
            other.join()


def test_others_run_side_by_side(tmp_path: Path) -> None:
    with turn(tmp_path, alone=False), turn(tmp_path, alone=False):
        pass
