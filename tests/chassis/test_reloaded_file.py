import logging
from pathlib import Path

import pytest

from chassis.reloaded_file import ReloadedFile


def parse(text: str) -> list[int]:
    try:
        return [int(line) for line in text.split()]
    except ValueError as error:
        raise ValueError("line 1: not a number") from error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "numbers"
    path.write_text("1\n")
    return path


@pytest.fixture
def numbers(path: Path) -> ReloadedFile[list[int]]:
    return ReloadedFile(str(path), parse, [1])


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_change_is_told_once(path: Path, numbers: ReloadedFile[list[int]]) -> None:
    assert numbers.changed() is None
    path.write_text("1\n2\n")
    assert numbers.changed() == [1, 2]
    assert numbers.changed() is None


def test_another_text_that_says_the_same_is_no_change(
    path: Path, numbers: ReloadedFile[list[int]]
) -> None:
    path.write_text("\n1\n\n")
    assert numbers.changed() is None


def test_a_change_since_the_content_was_first_read_is_told(path: Path) -> None:
    assert ReloadedFile(str(path), parse, [7]).changed() == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"hush", "line 1: not a number"),
        (b"\xffhush", "not a text file"),
    ],
)
def test_a_file_that_cannot_be_used_is_logged_once_and_changes_nothing(
    path: Path,
    numbers: ReloadedFile[list[int]],
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
    reason: str,
) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert [numbers.changed() for _ in range(3)] == [None, None, None]
    (line,) = errors(caplog)
    assert line.startswith(f"{path}: {reason}")
    assert "hush" not in caplog.text


def test_after_a_bad_file_a_good_one_is_told(
    path: Path, numbers: ReloadedFile[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    for bad in ("x", "y"):
        path.write_text(bad)
        assert numbers.changed() is None
    assert len(errors(caplog)) == 2
    path.write_text("3")
    assert numbers.changed() == [3]
