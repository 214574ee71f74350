"""What a client hears of the end of its call."""

import pytest

from tests.transceiver.conversation_driver import Driver
from transceiver.close_reason import CloseReason
from transceiver.farewells import FAREWELLS


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (CloseReason.MAX_DURATION, "session_expired"),
        (CloseReason.IDLE, "session_idle"),
        (CloseReason.SHUTDOWN, "draining"),
    ],
)
def test_a_client_is_told_what_it_cannot_know(reason: CloseReason, code: str) -> None:
    driver = Driver()
    start = driver.mark()
    driver.act(driver.conversation.closing(reason))
    assert driver.types(start) == ["error"]
    assert driver.last("error")["error"]["code"] == code


@pytest.mark.parametrize("reason", [each for each in CloseReason if each not in FAREWELLS])
def test_of_other_ends_it_is_told_nothing(reason: CloseReason) -> None:
    assert Driver().conversation.closing(reason) == []
