from pathlib import Path

from bench.transceiver.frame_notes import FrameNotes, read_notes


def test_each_call_leaves_its_notes_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    first, second = FrameNotes("a", str(path)), FrameNotes("b", str(path))
    first.add(0.0, 5.0)
    second.add(0.02, 6.0)
    first.add(0.02, 5.25)
    for notes in (second, first, first):
        notes.write()
    assert read_notes(path) == {"b": [(0.02, 6.0)], "a": [(0.0, 5.0), (0.02, 5.25)]}


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text('["a", [[0.0, 1.0]]]\n["b", [[0.')
    assert read_notes(path) == {"a": [(0.0, 1.0)]}


def test_nothing_is_noted_without_a_file(tmp_path: Path) -> None:
    notes = FrameNotes("a", None)
    notes.add(0.0, 1.0)
    notes.write()
    assert read_notes(tmp_path / "notes") == {}
