from pathlib import Path

import pytest

from chassis.secret_file import read_secret_file
from chassis.settings import SettingError


def refuse(_text: str) -> str:
    raise ValueError("line 1: not a key")


def test_reads_and_parses(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("sk-one\n")
    assert read_secret_file("--keys", str(path), str.strip) == "sk-one"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff\xfe", "not a text file"), (b"secret", "line 1: not a key")],
)
def test_names_the_flag_and_the_file_and_quotes_nothing(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError) as refused:
        read_secret_file("--keys", str(path), refuse)
    assert str(refused.value).startswith(f"--keys {path}: {reason}")
    assert "secret" not in str(refused.value)
