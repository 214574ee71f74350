from enum import Enum

from chassis.member_docstrings import member_docstrings


class Colour(Enum):
    """What a lamp may show."""

    RED = 1
    """Stop,
    whatever comes."""
    AMBER = 2
    GREEN = 3
    """Go."""


def test_reads_the_text_under_each_member() -> None:
    assert member_docstrings(Colour) == {Colour.RED: "Stop, whatever comes.", Colour.GREEN: "Go."}
