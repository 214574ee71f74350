from collections import Counter

import pytest

from tests.transceiver.signaling.conftest import API_KEY, CLUSTER_KEYS, NOW
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.client_secret import BoundSession, ClientSecrets
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_refusal import KeyRefusal

SECRETS = ClientSecrets(CLUSTER_KEYS)
KEYS = ApiKeys([API_KEY])
KEY = KEYS.find(API_KEY)
assert KEY
AUTHENTICATOR = Authenticator(KEYS, SECRETS, lambda: NOW)
BOUND = BoundSession(b'{"model":"echo"}', int(NOW) + 60, KEY.fingerprint)
SECRET = SECRETS.mint(BOUND, bytes(12))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_an_api_key_identifies_its_holder(scheme: str) -> None:
    caller = AUTHENTICATOR.identify(f"{scheme} {API_KEY}")
    assert caller.holds_api_key
    assert caller.bound_session is None


def test_a_client_secret_brings_its_session() -> None:
    caller = AUTHENTICATOR.identify(f"Bearer {SECRET}")
    assert not caller.holds_api_key
    assert caller.bound_session == BOUND.session


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        API_KEY,
        f"Basic {API_KEY}",
        "Bearer sk-unknown",
        f"Bearer {API_KEY}x",
        "Bearer ek_",
        f"Bearer {SECRET[:-1]}",
    ],
)
def test_anything_else_is_unauthorised(authorization: str | None) -> None:
    with pytest.raises(ApiError) as caught:
        AUTHENTICATOR.identify(authorization)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.headers["WWW-Authenticate"] == "Bearer"
    assert "sk-unknown" not in caught.value.message


def test_a_client_secret_stands_for_the_key_that_minted_it() -> None:
    assert AUTHENTICATOR.identify(f"Bearer {SECRET}").key == KEY


def test_a_client_secret_ends_with_the_key_that_minted_it() -> None:
    keys, refused = ApiKeys([API_KEY]), Counter[KeyRefusal]()
    authenticator = Authenticator(keys, SECRETS, lambda: NOW, refused)
    keys.become(ApiKeys(["sk-another"]))
    with pytest.raises(ApiError, match="not valid any more"):
        authenticator.identify(f"Bearer {SECRET}")
    keys.become(ApiKeys(["sk-another", API_KEY]))
    assert authenticator.identify(f"Bearer {SECRET}").key == KEY
    assert refused == {KeyRefusal.REVOKED_SECRET: 1}


def test_why_requests_are_refused_is_counted() -> None:
    refused = Counter[KeyRefusal]()
    authenticator = Authenticator(KEYS, SECRETS, lambda: NOW, refused)
    late = Authenticator(KEYS, SECRETS, lambda: NOW + 60, refused)
    for checks, text in [
        (authenticator.identify, None),
        (authenticator.identify, "Bearer sk-unknown"),
        (authenticator.identify, "Bearer ek_forged"),
        (late.identify, f"Bearer {SECRET}"),
        (authenticator.require_api_key, f"Bearer {SECRET}"),
    ]:
        with pytest.raises(ApiError):
            checks(text)
    assert authenticator.recognise("Bearer sk-unknown") is None
    assert refused == {
        KeyRefusal.NO_KEY: 1,
        KeyRefusal.UNKNOWN_KEY: 1,
        KeyRefusal.INVALID_SECRET: 1,
        KeyRefusal.EXPIRED_SECRET: 1,
        KeyRefusal.NO_RIGHTS: 1,
    }


def test_a_client_secret_is_no_api_key() -> None:
    AUTHENTICATOR.require_api_key(f"Bearer {API_KEY}")
    with pytest.raises(ApiError) as caught:
        AUTHENTICATOR.require_api_key(f"Bearer {SECRET}")
    assert caught.value.status == 403
