"""Responses are requests of the session's key."""

from typing import Any

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.signaling.api_keys import ApiKey, KeyLimits
from transceiver.signaling.key_refusal import KeyRefusal
from transceiver.signaling.key_usage import KeyUsage

KEY = ApiKey(bytes(32), KeyLimits(requests_per_minute=2))


class Limited(Driver):
    """A session of a key that may have two requests a minute."""

    def __init__(self, *, modality: str = "text") -> None:
        self.usage = KeyUsage(lambda: self.now)
        super().__init__(
            {"output_modalities": [modality]},
            spend=lambda: self.usage.count_response(KEY.fingerprint, KEY),
        )

    def answer(self, number: int) -> None:
        self.client("response.create")
        self.engine(engine.Done(number, engine.DoneStatus.COMPLETED))

    def errors(self) -> list[dict[str, Any]]:
        return [event["error"] for event in self.events if event["type"] == "error"]


def test_the_limit_follows_each_response_that_begins() -> None:
    driver = Limited()
    driver.answer(1)
    driver.client("response.create")
    types = [event["type"] for event in driver.events]
    first = types.index("response.created")
    assert types[first + 1] == "rate_limits.updated"
    assert [
        event["rate_limits"] for event in driver.events if event["type"] == "rate_limits.updated"
    ] == [
        [{"name": "requests", "limit": 2, "remaining": 1, "reset_seconds": 30.0}],
        [{"name": "requests", "limit": 2, "remaining": 0, "reset_seconds": 60.0}],
    ]


def test_a_response_beyond_the_limit_is_refused_and_the_session_goes_on() -> None:
    driver = Limited()
    driver.answer(1)
    driver.answer(2)
    commands = len(driver.commands)
    driver.client("response.create", event_id="third")
    (error,) = driver.errors()
    assert (error["code"], error["event_id"]) == ("rate_limit_exceeded", "third")
    assert "try again in 30 s" in error["message"]
    assert len(driver.commands) == commands
    assert driver.usage.refused[KeyRefusal.REQUEST_RATE] == 1
    driver.now += 30
    driver.answer(3)
    assert len(driver.errors()) == 1
    assert sum(event["type"] == "response.done" for event in driver.events) == 3


def test_a_turn_that_may_not_be_answered_is_heard_all_the_same() -> None:
    driver = Limited()
    driver.answer(1)
    driver.answer(2)
    driver.engine(engine.SpeechStarted(0), engine.SpeechStopped(500), engine.TurnEnded(500))
    (error,) = driver.errors()
    assert (error["code"], error["event_id"]) == ("rate_limit_exceeded", None)
    assert driver.events[-2]["type"] == "conversation.item.done"
    driver.now += 30
    driver.answer(3)
    assert len(driver.errors()) == 1


def test_a_turn_that_was_not_answered_has_no_latency() -> None:
    driver = Limited(modality="audio")
    driver.answer(1)
    driver.answer(2)
    driver.user_turn()
    assert driver.error()["code"] == "rate_limit_exceeded"
    driver.now += 30
    driver.client("response.create")
    driver.speech(3, 200)
    driver.engine(engine.Done(3, engine.DoneStatus.COMPLETED))
    driver.play(200)
    assert driver.accounts == []


def test_a_response_that_is_refused_for_another_reason_is_not_counted() -> None:
    driver = Limited()
    driver.client("response.create", response={"conversation": "other"})
    driver.client("response.create")
    driver.client("response.create")
    assert [error["code"] for error in driver.errors()] == [
        "invalid_value",
        "conversation_already_has_active_response",
    ]
    assert driver.usage.count_response(KEY.fingerprint, KEY)


def test_without_a_limit_nothing_is_told() -> None:
    driver = Driver({"output_modalities": ["text"]})
    driver.client("response.create")
    assert "rate_limits.updated" not in [event["type"] for event in driver.events]


def test_what_a_key_that_is_gone_leaves_behind_has_the_limit_of_all() -> None:
    usage = KeyUsage(lambda: 0.0, KeyLimits(requests_per_minute=1))
    left, beyond = (usage.count_response(KEY.fingerprint, None) for _ in range(2))
    assert left is not None
    assert beyond is not None
    assert (left.wait_s, beyond.wait_s) == (0, 60)
