import pytest

from loadtest.caller_addresses import parse_addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("127.0.0.2", ("127.0.0.2",)),
        ("127.0.0.2, ::1", ("127.0.0.2", "::1")),
        ("10.0.0.255-10.0.1.1", ("10.0.0.255", "10.0.1.0", "10.0.1.1")),
    ],
)
def test_addresses_and_ranges(text: str, addresses: tuple[str, ...]) -> None:
    assert parse_addresses(text) == addresses


@pytest.mark.parametrize(
    "text", ["", "localhost", "10.0.0.2-10.0.0.1", "10.0.0.1-::1", "10.0.0.0-10.1.0.0", "1.2.3.4,"]
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|range"):
        parse_addresses(text)
