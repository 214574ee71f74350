import pytest

from transceiver.signaling.api_keys import ApiKeyError, ApiKeys


def test_accepts_every_listed_key_and_no_other() -> None:
    keys = ApiKeys.parse("# ours\nsk-one\n\n  sk-two  \r\n")
    assert keys.accepts("sk-one")
    assert keys.accepts("sk-two")
    for other in ("", "sk-on", "sk-one ", "# ours", "SK-ONE", "sk-öne", "\udcff"):
        assert not keys.accepts(other)


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n"])
def test_a_file_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(ApiKeyError, match="no key"):
        ApiKeys.parse(text)


@pytest.mark.parametrize("key", ["two words", "sk-é", "tab\tinside", "ek_reserved", "null\0"])
def test_an_unusable_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ApiKeyError, match="line 2") as caught:
        ApiKeys.parse(f"sk-good\n{key}\n")
    assert key not in str(caught.value)


def test_keeps_no_key_in_clear() -> None:
    assert "sk-one" not in repr(vars(ApiKeys.parse("sk-one")))
