import pytest

from loadtest.cli import main

NEEDED = ["--workers=2", "--target=http://a"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["steady", "--target=http://a", "--token-file=/none"], "--workers"),
        (["steady", *NEEDED], "--token-file"),
        (["steady", *NEEDED, "--token-file=/none"], "--token-file /none: No such file"),
        (["steady", "--workers=2", "--token-file=/none"], "--target is needed"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coordinator", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("antiphon-loadtest coordinator: ")
    assert complaint in line
