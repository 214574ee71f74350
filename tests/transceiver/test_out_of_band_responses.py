"""Responses outside of the conversation, and what they are to answer."""

from typing import Any

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.ongoing_responses import MAX_OUT_OF_BAND
from transceiver.transport import Transport

NO_DETECTION = {"audio": {"input": {"turn_detection": None}}}
ASIDE = {"conversation": "none", "output_modalities": ["text"]}
COMPLETED = engine.DoneStatus.COMPLETED


def user(text: str, **members: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content, **members}


def aside(driver: Driver, **members: Any) -> engine.Respond:
    driver.client("response.create", response={**ASIDE, **members})
    return driver.sent(engine.Respond)[-1]


def texts(request: engine.Respond) -> list[object]:
    assert request.context is not None
    return [item.content for item in request.context]


def test_an_answer_aside_is_told_by_its_own_events_only() -> None:
    driver = Driver(NO_DETECTION)
    mark = driver.mark()
    request = aside(driver, metadata={"topic": "moods"})
    assert request.out_of_band
    driver.engine(engine.TextDelta(1, "calm"), engine.Done(1, COMPLETED))
    assert driver.types(mark) == [
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    created, done = (driver.last(f"response.{name}")["response"] for name in ("created", "done"))
    assert created["conversation_id"] is None
    assert created["metadata"] == done["metadata"] == {"topic": "moods"}
    item_id = done["output"][0]["id"]
    driver.client("conversation.item.retrieve", item_id=item_id)
    assert driver.error()["code"] == "item_retrieve_invalid_item_id"


def test_the_conversation_is_answered_beside_it() -> None:
    driver = Driver()
    aside(driver)
    driver.user_turn()
    assert [each.out_of_band for each in driver.sent(engine.Respond)] == [True, False]
    driver.engine(engine.TextDelta(1, "calm"), engine.TextDelta(2, "Yes."))
    driver.speech(2, 100)
    driver.engine(engine.Done(2, COMPLETED))
    driver.play(200)
    assert driver.last("response.done")["response"]["conversation_id"] is not None
    driver.engine(engine.Done(1, COMPLETED))
    driver.rules.settle()


def test_a_second_answer_of_the_conversation_waits_for_no_answer_aside() -> None:
    driver = Driver(NO_DETECTION)
    aside(driver)
    driver.client("response.create")
    driver.client("response.create", event_id="second")
    assert driver.error()["code"] == "conversation_already_has_active_response"
    assert driver.error()["event_id"] == "second"


def test_so_many_at_once_and_no_more() -> None:
    driver = Driver(NO_DETECTION)
    driver.client("response.create")
    for _ in range(MAX_OUT_OF_BAND):
        aside(driver)
    aside(driver)
    assert driver.error()["code"] == "too_many_responses"
    driver.engine(engine.Done(2, COMPLETED))
    assert aside(driver).response == MAX_OUT_OF_BAND + 2


def test_raw_items_and_items_that_are_there_make_the_context() -> None:
    driver = Driver(NO_DETECTION)
    driver.client("conversation.item.create", item=user("Hello", id="mine"))
    reference = {"type": "item_reference", "id": "mine"}
    request = aside(driver, input=[user("Classify:"), reference, user("Now.", id="own")])
    assert texts(request) == ["Classify:", "Hello", "Now."]
    assert request.context is not None
    assert [item.id for item in request.context][1:] == ["mine", "own"]
    assert "own" not in [each["item"]["id"] for each in driver.events if "item" in each]


@pytest.mark.parametrize("conversation", ["auto", "none"])
def test_an_empty_input_is_another_context_than_none(conversation: str) -> None:
    driver = Driver(NO_DETECTION)
    driver.client("response.create", response={"conversation": conversation, "input": []})
    assert driver.sent(engine.Respond)[-1].context == ()
    driver = Driver(NO_DETECTION)
    driver.client("response.create", response={"conversation": conversation})
    assert driver.sent(engine.Respond)[-1].context is None


def test_what_was_said_aside_can_be_referred_to() -> None:
    driver = Driver(NO_DETECTION)
    aside(driver)
    driver.engine(engine.TextDelta(1, "calm"), engine.Done(1, COMPLETED))
    item_id = driver.last("response.done")["response"]["output"][0]["id"]
    assert texts(aside(driver, input=[{"type": "item_reference", "id": item_id}])) == ["calm"]


def test_speech_is_referred_to_by_its_words_or_left_to_the_engine_that_hears_it() -> None:
    driver = Driver()
    driver.user_turn()
    item_id = driver.last("input_audio_buffer.committed")["item_id"]
    reference = {"type": "item_reference", "id": item_id}
    early = aside(driver, input=[reference])
    assert early.context == (engine.Item(item_id, engine.Role.USER, ""),)
    driver.engine(engine.InputTranscript(item_id, "good morning", final=True))
    assert texts(aside(driver, input=[reference])) == ["good morning"]


def test_an_item_that_was_cut_is_referred_to_as_it_was_heard() -> None:
    driver = Driver(NO_DETECTION, transport=Transport.WEBSOCKET)
    driver.client("response.create")
    driver.engine(engine.TextDelta(1, "one two three four"))
    driver.speech(1, 2000)
    driver.engine(engine.Done(1, COMPLETED))
    item_id = driver.last("response.done")["response"]["output"][0]["id"]
    driver.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
    assert texts(aside(driver, input=[{"type": "item_reference", "id": item_id}])) == ["one two"]


def test_cancelling_without_an_id_is_about_the_conversation() -> None:
    driver = Driver(NO_DETECTION)
    aside(driver)
    driver.client("response.cancel")
    assert driver.error()["code"] == "response_cancel_not_active"
    response_id = driver.last("response.created")["response"]["id"]
    driver.client("response.cancel", response_id=response_id)
    assert driver.last("response.done")["response"]["status"] == "cancelled"
    assert driver.sent(engine.Cancel) == [engine.Cancel(1, 0)]


def test_speech_interrupts_the_conversation_and_not_what_is_written_aside() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "It is noon."))
    driver.speech(1, 1000)
    driver.play(200)
    aside(driver)
    driver.engine(engine.SpeechStarted(driver.position_ms))
    assert [each.response for each in driver.sent(engine.Cancel)] == [1]
    driver.engine(engine.TextDelta(2, "calm"), engine.Done(2, COMPLETED))
    assert driver.last("response.done")["response"]["status"] == "completed"


class TestSpoken:
    """Where the server plays, on the one track there is."""

    def test_it_plays_behind_the_answer_that_was_asked_for_before(self) -> None:
        driver = Driver(NO_DETECTION)
        driver.client("response.create")
        driver.client("response.create", response={"conversation": "none"})
        driver.speech(2, 100)
        driver.engine(engine.Done(2, COMPLETED))
        driver.play(200)
        driver.speech(1, 100)
        driver.engine(engine.Done(1, COMPLETED))
        driver.play(400)
        started = "output_audio_buffer.started"
        played = [each["response_id"] for each in driver.events if each["type"] == started]
        assert played == ["resp_1", "resp_2"]
        assert driver.types()[-1] == "output_audio_buffer.stopped"
        driver.rules.settle()

    def test_an_answer_without_audio_holds_it_up_until_it_is_done_only(self) -> None:
        driver = Driver(NO_DETECTION)
        driver.client("response.create")
        driver.client("response.create", response={"conversation": "none"})
        driver.speech(2, 100)
        driver.play(100)
        assert "output_audio_buffer.started" not in driver.types()
        driver.engine(engine.Done(1, COMPLETED))
        driver.play(20)
        assert driver.last("output_audio_buffer.started")["response_id"] == "resp_2"

    def test_one_that_is_slow_is_heard_after_later_answers(self) -> None:
        driver = Driver(NO_DETECTION)
        driver.client("response.create", response={"conversation": "none"})
        driver.client("response.create")
        driver.speech(2, 100)
        driver.engine(engine.Done(2, COMPLETED))
        driver.play(400)
        driver.speech(1, 100)
        driver.engine(engine.Done(1, COMPLETED))
        driver.play(400)
        assert driver.playout.played_ms(1) == 100
        driver.rules.settle()

    def test_speech_silences_all_that_is_heard(self) -> None:
        driver = Driver()
        driver.user_turn()
        driver.speech(1, 1000)
        driver.play(100)
        driver.client("response.create", response={"conversation": "none"})
        driver.speech(2, 1000)
        driver.engine(engine.SpeechStarted(driver.position_ms))
        assert {each.response for each in driver.sent(engine.Cancel)} == {1, 2}
        driver.rules.settle()
        truncated = [e for e in driver.events if e["type"] == "conversation.item.truncated"]
        assert len(truncated) == 1

    def test_over_a_websocket_the_client_silences_it(self) -> None:
        driver = Driver(transport=Transport.WEBSOCKET)
        driver.client("response.create", response={"conversation": "none"})
        driver.speech(1, 100)
        driver.engine(engine.SpeechStarted(driver.position_ms))
        driver.speech(1, 100)
        assert driver.sent(engine.Cancel) == []
        assert driver.types()[-1] == "response.output_audio.delta"


def test_all_of_them_end_with_the_engine() -> None:
    driver = Driver(NO_DETECTION)
    aside(driver)
    driver.client("response.create")
    driver.engine(engine.Error("engine_failed", "gone", fatal=True))
    driver.rules.settle()


def test_another_engine_goes_on_with_all_of_them() -> None:
    driver = Driver(NO_DETECTION)
    aside(driver, input=[user("Count")])
    driver.client("response.create")
    driver.engine(engine.TextDelta(1, "one"), engine.TextDelta(2, "Yes."))
    resumptions, outputs = driver.conversation.engine_resumptions()
    driver.act(outputs)
    first, second = (each.request for each in resumptions)
    assert (first.response, first.said, first.out_of_band) == (1, "one", True)
    assert texts(first) == ["Count"]
    assert (second.response, second.out_of_band) == (2, False)
    driver.engine(engine.TextDelta(1, " two"), engine.Done(1, COMPLETED))
    content = driver.last("response.done")["response"]["output"][0]["content"]
    assert content == [{"type": "output_text", "text": "one two"}]
