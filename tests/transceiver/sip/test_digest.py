import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.sip.digest import DigestAlgorithm, DigestError, digest_parameters, quoted

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        (DigestAlgorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            DigestAlgorithm.SHA256,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: DigestAlgorithm, response: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc7616#section-3.9.1"""
    ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life")
    proof = f"00000001:{CNONCE}:auth"
    assert algorithm.response(ha1, "GET", "/dir/index.html", NONCE, proof) == response


def test_the_form_before_qop() -> None:
    """https://www.rfc-editor.org/rfc/rfc2069#section-2.4, as its errata have it"""
    md5 = DigestAlgorithm.MD5
    ha1 = md5.ha1("Mufasa", "testrealm@host.com", "CircleOfLife")
    response = md5.response(
        ha1, "GET", "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093", None
    )
    assert response == "1949323746fe6a43ef61f9606e7febea"


def test_reads_a_challenge_with_commas_in_quotes() -> None:
    """The one of https://www.rfc-editor.org/rfc/rfc7616#section-3.9.1"""
    header = (
        'Digest realm="http-auth@example.org",\r\n  qop="auth, auth-int",  algorithm=MD5, '
        f'nonce="{NONCE}", Opaque="a \\"b\\" \\\\"'
    ).replace("\r\n", "")
    assert digest_parameters(header) == {
        "realm": "http-auth@example.org",
        "qop": "auth, auth-int",
        "algorithm": "MD5",
        "nonce": NONCE,
        "opaque": 'a "b" \\',
    }


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic abc",
        "Digest realm",
        'Digest realm="a',
        'Digest realm="a" nonce="b"',
        'Digest realm="a", REALM="b"',
        'Digest realm="a",,nonce="b"',
        'Digest a="' + "b" * 5000 + '"',
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(DigestError):
        digest_parameters(header)


def test_many_quoted_parameters_are_read_in_no_time() -> None:
    """A reader that tries every way to read them does not end within this test's life."""
    many = ", ".join(f'p{i}=""' for i in range(200))
    assert len(digest_parameters(f"Digest {many}")) == 200
    with pytest.raises(DigestError):
        digest_parameters(f"Digest {many}@")


@given(st.text(max_size=100))
def test_arbitrary_text_is_refused_and_nothing_else(text: str) -> None:
    for header in (text, f"Digest {text}"):
        try:
            digest_parameters(header)
        except DigestError:
            continue


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=30)))
def test_whatever_is_quoted_is_read_again(parameters: dict[str, str]) -> None:
    header = ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
    plain = all(value.isprintable() for value in parameters.values())
    if plain:
        assert digest_parameters(f"Digest {header}") == parameters
