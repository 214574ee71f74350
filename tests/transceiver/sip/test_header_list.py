import pytest
from hypothesis import given
from hypothesis import strategies as st
from sipmessage import Headers

from transceiver.sip.header_list import (
    MAX_VALUE_CHARS,
    header_addresses,
    header_tokens,
    parse_address,
    split_values,
    uri_text,
)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"A, B" <sip:a>;x=1, "C" <sip:c,d>', ['"A, B" <sip:a>;x=1', '"C" <sip:c,d>']),
        ('"A \\", B" <sip:a>,<sip:b>', ['"A \\", B" <sip:a>', "<sip:b>"]),
        ("", [""]),
        (",a,", ["", "a", ""]),
        ('"open, b', ['"open, b']),
        ('a, "open, \\', ["a", '"open, \\']),
        ("<open, b", ["<open", "b"]),
    ],
)
def test_values_are_split_where_the_list_says(field: str, values: list[str]) -> None:
    assert split_values(field) == values


@given(st.text(max_size=300))
def test_nothing_is_lost(field: str) -> None:
    kept = "".join("".join(split_values(field)).split())
    assert kept.replace(",", "") == "".join(field.split()).replace(",", "")


def test_contacts_with_names_are_two() -> None:
    headers = Headers()
    headers.add("Contact", '"A" <sip:a@example.com>, "B" <sip:b@example.com>;q=1')
    headers.add("Contact", "sip:c@example.com;d=e")
    found = header_addresses(headers, "Contact")
    assert [each.uri.user for each in found] == ["a", "b", "c"]
    assert found[2].parameters == {"d": "e"}


def test_tokens_are_compared_without_case() -> None:
    headers = Headers()
    headers.add("Supported", "Timer, 100rel,,")
    headers.add("Supported", "replaces")
    assert header_tokens(headers, "Supported") == ["timer", "100rel", "replaces"]


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ('"<x>" <sip:a@b;c=d>;tag=1', "sip:a@b;c=d"),
        ("sip:a@b;tag=1", "sip:a@b"),
        ('"\\"<sip:no>" <sips:yes>', "sips:yes"),
    ],
)
def test_a_uri_is_kept_as_it_was_written(address: str, uri: str) -> None:
    parse_address(address)
    assert uri_text(address) == uri


def test_an_address_is_bounded() -> None:
    with pytest.raises(ValueError, match="more characters"):
        parse_address(f"<sip:{'a' * MAX_VALUE_CHARS}@example.com>")
