import pytest

from loadtest.report import quantity


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.000_407, "407 µs"),
        (0.001, "1 ms"),
        (0.012_84, "12.8 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (1.254, "1.25 s"),
        (120.0, "120 s"),
        (1800.0, "30 min"),
    ],
)
def test_durations_have_three_digits(seconds: float | None, expected: str) -> None:
    assert quantity.duration(seconds) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.999, "99.9 %"),
        (0.999_83, "99.983 %"),
        (0.000_012, "0.0012 %"),
        (0.9999999, "99.99999 %"),
    ],
)
def test_shares_show_what_they_lack(ratio: float | None, expected: str) -> None:
    assert quantity.share(ratio) == expected


@pytest.mark.parametrize("ratio", [1e-12, 1 - 1e-9, 1e-7])
def test_a_share_that_is_not_whole_is_never_shown_as_whole(ratio: float) -> None:
    assert quantity.share(ratio) not in ("0 %", "100 %")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1250.0, "ms", "1.25 s"),
        (0.001, "ratio", "0.1 %"),
        (310e6, "bytes", "310 MB"),
        (1.5e9, "bytes", "1.5 GB"),
        (0.3456, "cores", "0.346"),
        (10_000.0, "", "10,000"),
        (40.25, "", "40.2"),
        (None, "ms", "–"),
    ],
)
def test_units_are_those_of_results(value: float | None, unit: str, expected: str) -> None:
    assert quantity.measured(value, unit) == expected
