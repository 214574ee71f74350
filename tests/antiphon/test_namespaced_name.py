import pytest

from antiphon.namespaced_name import NamespacedName


def test_is_where_the_api_has_it() -> None:
    name = NamespacedName.parse("voice/antiphon.keys")
    assert str(name) == "voice/antiphon.keys"
    assert name.path("secrets") == "/api/v1/namespaces/voice/secrets/antiphon.keys"


@pytest.mark.parametrize(
    "text", ["", "keys", "a/b/c", "A/b", "a/", "/b", "a/b_c", f"a/{'b' * 300}"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAMESPACE/NAME"):
        NamespacedName.parse(text)
