"""When each frame of a call reached the engine, noted in the engine's process.

Every call of a process appends one line to the notes' file when it ends: a JSON array of its
name and of [the frame's media time, when it came], both in seconds, the latter of the monotonic
clock, which all processes of a machine share.
"""

import json
from pathlib import Path

Note = tuple[float, float]

NOTES_VARIABLE = "ANTIPHON_BENCH_NOTES"
"""The environment variable by which an inference process is told of the file."""


class FrameNotes:
    """The notes of one call; nothing is noted where there is no file."""

    def __init__(self, name: str, path: str | None) -> None:
        self._name = name
        self._path = path
        self._notes: list[Note] = []

    def add(self, media_seconds: float, at: float) -> None:
        if self._path is not None:
            self._notes.append((media_seconds, at))

    def write(self) -> None:
        """Append the call's line, once."""
        if self._path is not None and self._notes:
            with Path(self._path).open("a") as file:
                file.write(json.dumps([self._name, self._notes]) + "\n")
            self._notes = []


def read_notes(path: Path) -> dict[str, list[Note]]:
    """The notes of each call that has ended, by its name."""
    text = path.read_text() if path.exists() else ""
    whole, _newline, _being_written = text.rpartition("\n")
    calls = [json.loads(line) for line in whole.splitlines()]
    return {name: [(media, at) for media, at in notes] for name, notes in calls}
