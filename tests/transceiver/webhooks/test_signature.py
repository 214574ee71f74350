import base64

import pytest

from transceiver.webhooks.signature import MAX_SECRETS, WebhookSecrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_specifications_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests"""
    headers = WebhookSecrets.parse(SECRET).headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_signs() -> None:
    old, new = (WebhookSecrets.parse(each).headers("e", 1, b"") for each in (SECRET, OTHER))
    both = WebhookSecrets.parse(f"{OTHER}, {SECRET}").headers("e", 1, b"")
    assert both["webhook-signature"].split() == [
        new["webhook-signature"],
        old["webhook-signature"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8G",
        "whsec_" + "A" * 88,
        f"{SECRET},",
        ",".join([SECRET] * (MAX_SECRETS + 1)),
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|secret") as refused:
        WebhookSecrets.parse(text)
    assert "MfKQ" not in str(refused.value)


def test_a_secret_is_not_shown() -> None:
    assert "keys" not in repr(WebhookSecrets.parse(SECRET))
