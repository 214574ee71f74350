import pytest

from transceiver.sip.digest import digest_parameters
from transceiver.sip.digest_client import DigestAuthenticator, Login

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
LOGIN = Login("Mufasa", "Circle of Life")
URI = "sip:100@carrier.example"


def answered(*challenges: str) -> dict[str, str] | None:
    authenticator = DigestAuthenticator(LOGIN, lambda count: bytes(count))
    value = authenticator.answer(challenges, "INVITE", URI)
    return None if value is None else digest_parameters(value)


def test_the_topmost_challenge_that_we_can_answer_is() -> None:
    answer = answered(
        'Digest realm="a", nonce="1", algorithm=SHA-512-256, qop="auth"',
        'Digest realm="a,b", nonce="2", algorithm=sha-256, qop="auth-int,auth", opaque="o"',
        'Digest realm="a", nonce="3", algorithm=MD5, qop="auth"',
    )
    assert answer is not None
    assert (answer["nonce"], answer["realm"], answer["opaque"]) == ("2", "a,b", "o")
    assert answer["algorithm"] == "SHA-256"
    assert len(answer["response"]) == 64


def test_without_qop_the_answer_has_none() -> None:
    """Servers of that age refuse what they did not ask for."""
    answer = answered('Digest realm="testrealm@host.com", nonce="1"')
    assert answer is not None
    assert not {"qop", "nc", "cnonce"} & answer.keys()


def test_tokens_stand_without_quotes() -> None:
    """https://www.rfc-editor.org/rfc/rfc7616#section-3.4: some servers mind."""
    authenticator = DigestAuthenticator(LOGIN, lambda count: bytes(count))
    value = authenticator.answer([f'Digest realm="r", nonce="{NONCE}", qop="auth"'], "BYE", URI)
    assert value is not None
    assert "qop=auth, nc=00000001" in value
    assert "algorithm=MD5" in value


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=a",
        'Digest realm="a", nonce="1", qop="auth-int"',
        'Digest realm="a", nonce="1", algorithm=MD5-sess',
        'Digest realm="a", qop="auth"',
        'Digest realm="',
    ],
)
def test_there_is_no_answer_to_what_we_cannot_do(challenge: str) -> None:
    assert answered(challenge) is None


def test_no_password_is_shown() -> None:
    assert "Circle" not in repr(LOGIN)
