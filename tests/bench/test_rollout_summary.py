"""What is written of rehearsed updates."""

from bench.rollout.summary import BOUNDS, figures_of, section, step_table
from bench.tables import bound_table
from tests.e2e.rollout.callers import CallReport
from tests.e2e.rollout.rehearsal import Step

CALM = CallReport(500, 0.041, 0.01, missing=0, missing_in_a_row=0, unheard=0)
DISTURBED = CallReport(498, 0.08, 0.01, missing=1, missing_in_a_row=1, unheard=2)
MACHINE = {"machine.cores": 2.0, "machine.load_average": 0.5}


def figures() -> dict[str, float | str]:
    relays = Step("relays", 20.0, [CALM, DISTURBED])
    hand_over = Step("hand-over", 12.0, [DISTURBED])
    return {**figures_of("relays", relays), **figures_of("hand_over", hand_over), **MACHINE}


def test_a_step_is_its_worst_call() -> None:
    [_head, relays, hand_over] = step_table(figures())
    assert relays == ["relays", "2", "20 s", "80 ms", "3"]
    assert hand_over[1:] == ["1", "12 s", "80 ms", "3"]


def test_bounds_tell_what_was_missed_and_what_was_not_measured() -> None:
    verdicts = [(row[1], row[-1]) for row in bound_table(BOUNDS, figures())[1:]]
    assert verdicts == [
        ("80 ms", "ok"),
        ("not measured", "MISSED"),
        ("not measured", "MISSED"),
        ("3 packets", "MISSED"),
    ]


def test_the_section_has_both_tables() -> None:
    text = section(figures())
    assert "| relays | 2 | 20 s | 80 ms | 3 |" in text
    assert "| relays: longest gap | 80 ms | at most 100 ms | ok |" in text
