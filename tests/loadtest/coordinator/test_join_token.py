import pytest

from loadtest.coordinator.join_token import credentials, holds, parse_token

TOKEN = "0123456789abcdef"


def test_the_token_opens() -> None:
    ((name, value),) = credentials(parse_token(f"{TOKEN}\n"))
    assert name == "authorization"
    assert holds(TOKEN, value)


@pytest.mark.parametrize("presented", ["", TOKEN, f"Bearer {TOKEN}x", "Bearer ", "Bearer é"])
def test_nothing_else_opens(presented: str) -> None:
    assert not holds(TOKEN, presented)


@pytest.mark.parametrize("text", ["", "short", "0123456789abcdef 0", "ä" * 20, "x" * 513])
def test_a_bad_token_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="16 to 512") as raised:
        parse_token(text)
    assert not text or text not in str(raised.value)
