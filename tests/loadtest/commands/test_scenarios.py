import pytest

from loadtest.cli import main
from loadtest.scenario.reading import parse_scenario, read_scenario, shipped_scenarios


def test_scenarios_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line.split()[0] for line in lines) == shipped_scenarios()
    assert all(len(line.split()) > 3 for line in lines)


def test_one_is_shown_as_the_file_to_start_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "churn"]) == 0
    assert parse_scenario(capsys.readouterr().out) == read_scenario("churn")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["stedy"], "no scenario 'stedy'; there are barge-in,"), (["churn", "talk"], "give one name")],
)
def test_others_are_refused_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scenarios", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("antiphon-loadtest scenarios: ")
    assert complaint in line
