import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.sip.digest import Challenge, Credentials, DigestError, first_answerable

CIRCLE = Credentials("Mufasa", "Circle Of Life")
RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
"""https://www.rfc-editor.org/rfc/rfc2617#section-3.5"""
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
"""https://www.rfc-editor.org/rfc/rfc7616#section-3.9.1"""


@pytest.mark.parametrize(
    ("header", "credentials", "cnonce", "response"),
    [
        (RFC_2617, CIRCLE, "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        (
            RFC_7616.format(algorithm="MD5"),
            Credentials("Mufasa", "Circle of Life"),
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            RFC_7616.format(algorithm="SHA-256"),
            Credentials("Mufasa", "Circle of Life"),
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_the_rfcs(
    header: str, credentials: Credentials, cnonce: str, response: str
) -> None:
    answer = Challenge.parse(header).answer(credentials, "GET", "/dir/index.html", cnonce)
    assert f'response="{response}"' in answer
    assert "qop=auth, nc=00000001" in answer
    assert 'opaque="' in answer


def test_a_challenge_without_qop_is_answered_without() -> None:
    header = 'Digest realm="r", nonce="n"'
    answer = Challenge.parse(header).answer(CIRCLE, "INVITE", "sip:a@b", "c")
    assert not {"qop", "nc", "cnonce", "opaque"} & {
        each.partition("=")[0].strip() for each in answer.split(",")
    }


def test_the_first_challenge_that_is_known_is_taken() -> None:
    headers = ['Digest realm="r", nonce="n", algorithm=SHA-512-256', 'Digest realm="s", nonce="n"']
    assert first_answerable(headers).realm == "s"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Basic realm=r"],
        ['Digest realm="r"'],
        ['Digest realm="r", nonce="n", algorithm=MD4'],
        ['Digest realm="r", nonce="n", qop="auth-int"'],
    ],
)
def test_what_cannot_be_answered_is_told(headers: list[str]) -> None:
    with pytest.raises(DigestError):
        first_answerable(headers)


@given(st.text())
def test_nothing_else_is_raised(header: str) -> None:
    try:
        Challenge.parse(f"Digest {header}")
    except DigestError:
        return
