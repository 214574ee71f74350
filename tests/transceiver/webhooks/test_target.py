import pytest

from chassis.settings import SettingError, load
from transceiver.config import TransceiverConfig
from transceiver.webhooks.target import WebhookTarget

NEEDED = ("--advertise=192.0.2.1:3478", "--inference=127.0.0.1:1", "--cluster-keys=keys")
URL = "https://app.example/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def target(*flags: str, **environ: str) -> WebhookTarget | None:
    return load(TransceiverConfig, [*NEEDED, *flags], environ, prog="transceiver").webhook


def test_events_go_nowhere_unless_they_are_told_where() -> None:
    assert target() is None


def test_the_secret_may_be_a_variable_and_is_not_shown() -> None:
    found = target(f"--webhook-url={URL}", ANTIPHON_WEBHOOK_SECRET=SECRET)
    assert found is not None
    assert found.url == URL
    config = load(
        TransceiverConfig,
        [*NEEDED, f"--webhook-url={URL}", f"--webhook-secret={SECRET}"],
        {},
        prog="transceiver",
    )
    assert config.webhook == found
    assert "MfKQ" not in repr(config)


@pytest.mark.parametrize(
    "flags",
    [
        (f"--webhook-url={URL}",),
        (f"--webhook-secret={SECRET}",),
        ("--webhook-url=app.example", f"--webhook-secret={SECRET}"),
        ("--webhook-url=ftp://app.example", f"--webhook-secret={SECRET}"),
        ("--webhook-url=https://", f"--webhook-secret={SECRET}"),
        (f"--webhook-url={URL}", "--webhook-secret=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_half_a_target_is_none(flags: tuple[str, ...]) -> None:
    with pytest.raises(SettingError) as refused:
        target(*flags)
    assert "webhook" in str(refused.value)
