"""When each frame of a call reached the engine, noted in the engine's process.

Every call of a process appends one line to the notes' file when it ends: a JSON array of its
name and of [the frame's media time, when it came], both in seconds, the latter of the monotonic
clock, which all processes of a machine share.
"""

import json
from collections.abc import Sequence
from pathlib import Path

Note = tuple[float, float]


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
    lines: Sequence[str] = path.read_text().splitlines() if path.exists() else []
    calls = [json.loads(line) for line in lines]
    return {name: [(media, at) for media, at in notes] for name, notes in calls}
