import pytest

from tests.transceiver.signaling.conftest import API_KEY, CLUSTER_KEYS, NOW
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.client_secret import BoundSession, ClientSecrets
from transceiver.signaling.errors import ApiError

SECRETS = ClientSecrets(CLUSTER_KEYS)
AUTHENTICATOR = Authenticator(ApiKeys([API_KEY]), SECRETS, lambda: NOW)
BOUND = BoundSession(session=b'{"model":"echo"}', expires_at=int(NOW) + 60)
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


def test_a_client_secret_is_no_api_key() -> None:
    AUTHENTICATOR.require_api_key(f"Bearer {API_KEY}")
    with pytest.raises(ApiError) as caught:
        AUTHENTICATOR.require_api_key(f"Bearer {SECRET}")
    assert caught.value.status == 403
