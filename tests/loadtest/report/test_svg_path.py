import pytest

from loadtest.report.svg_path import compact


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("M 1.04 2.06 L 3 4.25", "M1 2.1L3 4.2"),
        ("M 0 5 L 2 5 L 2 7 L 4 7", "M0 5H2V7H4"),
        ("M 0 0 L 0.01 0.02 L 1 1 z ", "M0 0L1 1z"),
        ("M 0 0 L 1 0 M 5 0 L 5 -0.04", "M0 0H1M5 0"),
        ("M -1.25 3e-05 L -2 -3", "M-1.2 0L-2 -3"),
        ("M 0 3 C 0.8 3 1.55 2.68 2.12 2.12 z", "M 0 3 C 0.8 3 1.6 2.7 2.1 2.1 z"),
        ("", ""),
    ],
)
def test_a_path_is_the_same_to_a_tenth(path: str, expected: str) -> None:
    assert compact(path) == expected
