"""Sequences of events in the API's order, cause by cause."""

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.close_reason import CloseReason
from transceiver.conversation_outputs import CloseCall
from transceiver.transport import Transport

USER_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
MESSAGE_BEGINS = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
SPOKEN_MESSAGE_ENDS = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
]
NO_DETECTION = {"audio": {"input": {"turn_detection": None}}}


def answering(driver: Driver, text: str = "It is noon.") -> None:
    """The agent is heard speaking."""
    driver.user_turn()
    response = driver.sent(engine.Respond)[-1].response
    driver.engine(engine.ResponseStarted(response), engine.TextDelta(response, text))
    driver.speech(response, 2000)
    driver.play(500)


def test_a_spoken_turn_and_its_answer() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.ResponseStarted(1), engine.TextDelta(1, "It is "))
    driver.speech(1, 200)
    driver.play(100)
    driver.engine(engine.TextDelta(1, "noon."))
    driver.speech(1, 300)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(600)
    assert driver.types() == [
        "session.created",
        "conversation.created",
        *USER_TURN,
        "response.created",
        *MESSAGE_BEGINS,
        "response.output_audio_transcript.delta",
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
        "output_audio_buffer.stopped",
    ]
    driver.rules.settle()
    done = driver.last("response.done")["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "It is noon."}]


def test_the_id_minted_when_speech_starts_stays_with_the_turn() -> None:
    driver = Driver()
    driver.user_turn()
    ids = {
        driver.last(type_)["item_id"]
        for type_ in (
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        )
    }
    ids.add(driver.last("conversation.item.done")["item"]["id"])
    ids.add(driver.sent(engine.Commit)[0].item_id)
    assert len(ids) == 1


def test_audio_before_text_opens_the_message_before_playing_is_told() -> None:
    driver = Driver()
    driver.user_turn()
    mark = driver.mark()
    driver.speech(1, 100)
    driver.play(20)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.play(200)
    assert driver.types(mark) == [
        *MESSAGE_BEGINS,
        "output_audio_buffer.started",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
        "output_audio_buffer.stopped",
    ]


def test_a_response_is_not_done_before_it_is_heard() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Yes."))
    driver.speech(1, 100)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert "response.done" not in driver.types()
    driver.play(20)
    started = [e["type"] for e in driver.events].index("output_audio_buffer.started")
    assert "response.done" in [e["type"] for e in driver.events[started:]]


def test_nothing_is_taken_after_the_engine_said_that_it_was_done() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Yes."))
    driver.speech(1, 100)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED), engine.TextDelta(1, " And"))
    driver.speech(1, 100)
    driver.play(20)
    (item,) = driver.last("response.done")["response"]["output"]
    assert item["content"][0]["transcript"] == "Yes."
    assert driver.playout.buffered_ms == 80


def test_speech_that_goes_on_after_a_pause_is_the_same_turn() -> None:
    driver = Driver()
    driver.engine(engine.SpeechStarted(0), engine.SpeechStopped(400), engine.SpeechStarted(900))
    driver.engine(engine.SpeechStopped(1500), engine.TurnEnded(1000))
    assert len(driver.sent(engine.Commit)) == 1
    assert len({e["item_id"] for e in driver.events if "speech" in e["type"]}) == 1


def test_a_turn_without_speech_events_is_committed_and_answered() -> None:
    driver = Driver()
    driver.input(500)
    driver.engine(engine.TurnEnded(400))
    assert driver.types()[2:] == [*USER_TURN[2:], "response.created"]


def test_a_turn_whose_end_crossed_a_clear_is_gone() -> None:
    driver = Driver()
    driver.engine(engine.SpeechStarted(0))
    driver.input(500)
    driver.client("input_audio_buffer.clear")
    driver.engine(engine.SpeechStopped(500), engine.TurnEnded(400))
    assert driver.types()[-1] == "input_audio_buffer.cleared"
    assert driver.sent(engine.ClearInput)
    assert not driver.sent(engine.Commit)


def test_no_answer_unless_it_is_wished() -> None:
    detection = {"type": "server_vad", "create_response": False}
    driver = Driver({"audio": {"input": {"turn_detection": detection}}})
    driver.user_turn()
    assert driver.types()[2:] == USER_TURN
    assert not driver.sent(engine.Respond)
    driver.client("response.create")
    assert driver.types()[-1] == "response.created"


# ---- barge-in ----


def test_barge_in_while_the_answer_is_generated() -> None:
    driver = Driver()
    answering(driver)
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    assert driver.types(mark) == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
        "conversation.item.truncated",
    ]
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 500)]
    response = driver.last("response.done")["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert driver.last("conversation.item.truncated")["audio_end_ms"] == 500
    assert driver.playout.buffered_ms == 0
    driver.rules.settle()


def test_barge_in_while_a_finished_answer_plays() -> None:
    driver = Driver()
    answering(driver)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    assert driver.types(mark) == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 500)]


def test_barge_in_before_anything_was_said() -> None:
    driver = Driver()
    driver.user_turn()
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    assert driver.types(mark) == ["input_audio_buffer.speech_started", "response.done"]
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 0)]


def test_barge_in_on_a_queued_answer_clears_nothing_that_was_not_heard() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Well"))
    driver.speech(1, 200)
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    driver.play(400)
    assert "output_audio_buffer.cleared" not in driver.types(mark)
    assert driver.last("conversation.item.truncated")["audio_end_ms"] == 0
    assert driver.item(driver.last("conversation.item.truncated")["item_id"])["content"] == [
        {"type": "output_audio", "transcript": ""}
    ]


def test_output_of_a_response_that_was_cut_is_dropped() -> None:
    driver = Driver()
    answering(driver)
    driver.engine(engine.SpeechStarted(3000))
    mark = driver.mark()
    driver.engine(engine.TextDelta(1, " More."))
    driver.speech(1, 500)
    driver.engine(engine.Done(1, engine.DoneStatus.CANCELLED))
    driver.play(100)
    assert driver.types(mark) == []
    assert driver.playout.buffered_ms == 0


def test_the_transcript_keeps_about_what_was_heard() -> None:
    driver = Driver()
    answering(driver, "one two three four five six seven eight nine ten")
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.engine(engine.SpeechStarted(3000))
    item_id = driver.last("conversation.item.truncated")["item_id"]
    (content,) = driver.item(item_id)["content"]
    assert content["transcript"] == "one two"


def test_no_barge_in_where_it_is_switched_off() -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    driver = Driver({"audio": {"input": {"turn_detection": detection}}})
    answering(driver)
    mark = driver.mark()
    driver.user_turn()
    assert driver.types(mark) == USER_TURN
    assert not driver.sent(engine.Cancel)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.types(mark)[-2:] == ["response.done", "response.created"]


def test_barge_in_drops_an_answer_that_was_owed() -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    driver = Driver({"audio": {"input": {"turn_detection": detection}}})
    answering(driver)
    driver.user_turn()
    driver.client(
        "session.update",
        session={"audio": {"input": {"turn_detection": {"interrupt_response": True}}}},
    )
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(5000))
    assert driver.types(mark)[-1] == "conversation.item.truncated"
    assert not driver.sent(engine.Respond, mark)
    driver.engine(engine.SpeechStopped(6000), engine.TurnEnded(5500))
    driver.engine(engine.Done(2, engine.DoneStatus.COMPLETED))
    assert len(driver.sent(engine.Respond, mark)) == 1


# ---- the client stops the agent ----


def test_cancelling_lets_play_what_is_queued() -> None:
    driver = Driver()
    answering(driver)
    mark = driver.mark()
    driver.client("response.cancel")
    assert driver.types(mark) == [*SPOKEN_MESSAGE_ENDS, "response.done"]
    details = driver.last("response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 2000)]
    driver.play(2000)
    assert driver.types(mark)[-1] == "output_audio_buffer.stopped"


def test_interrupting_as_the_official_client_does() -> None:
    driver = Driver()
    answering(driver)
    driver.client("response.cancel")
    mark = driver.mark()
    driver.client("output_audio_buffer.clear")
    assert driver.types(mark) == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    assert driver.sent(engine.Cancel, mark) == [engine.Cancel(1, 500)]


def test_clearing_stops_generating_too() -> None:
    driver = Driver()
    answering(driver)
    mark = driver.mark()
    driver.client("output_audio_buffer.clear")
    assert driver.types(mark) == [
        "output_audio_buffer.cleared",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
        "conversation.item.truncated",
    ]


def test_clearing_silence_is_no_error() -> None:
    driver = Driver()
    mark = driver.mark()
    driver.client("output_audio_buffer.clear")
    assert driver.types(mark) == []


@pytest.mark.parametrize("response_id", [None, "resp_99"])
def test_cancelling_nothing_is_an_error_that_clients_know(response_id: str | None) -> None:
    driver = Driver()
    driver.client("response.cancel", event_id="mine", response_id=response_id)
    error = driver.error()
    assert error["code"] == "response_cancel_not_active"
    assert error["message"].startswith("Cancellation failed")
    assert error["event_id"] == "mine"


# ---- the client's own turns ----


def test_a_turn_that_the_client_commits() -> None:
    driver = Driver(NO_DETECTION)
    driver.input(500)
    driver.client("input_audio_buffer.commit")
    driver.client("response.create")
    assert driver.types()[2:] == [*USER_TURN[2:], "response.created"]
    (commit,), (respond,) = driver.sent(engine.Commit), driver.sent(engine.Respond)
    assert commit.item_id == driver.last("input_audio_buffer.committed")["item_id"]
    assert respond.item_id != commit.item_id


@pytest.mark.parametrize("milliseconds", [0, 80])
def test_an_empty_buffer_cannot_be_committed(milliseconds: int) -> None:
    driver = Driver(NO_DETECTION)
    driver.input(milliseconds)
    driver.client("input_audio_buffer.commit", event_id="mine")
    assert driver.error()["code"] == "input_audio_buffer_commit_empty"
    assert driver.error()["event_id"] == "mine"


def test_a_commit_empties_the_buffer() -> None:
    driver = Driver(NO_DETECTION)
    driver.input(500)
    driver.client("input_audio_buffer.commit")
    driver.client("input_audio_buffer.commit")
    assert driver.error()["code"] == "input_audio_buffer_commit_empty"


def test_detected_turns_are_ignored_where_detection_is_off() -> None:
    driver = Driver(NO_DETECTION)
    mark = driver.mark()
    driver.user_turn()
    assert driver.types(mark) == []
    assert not driver.sent(engine.Commit)


def test_a_written_turn_with_a_written_answer() -> None:
    driver = Driver({"output_modalities": ["text"]})
    content = [{"type": "input_text", "text": "Hello"}]
    driver.client(
        "conversation.item.create", item={"type": "message", "role": "user", "content": content}
    )
    driver.client("response.create")
    driver.engine(engine.TextDelta(1, "Hi"), engine.TextDelta(1, " there"))
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.types()[2:] == [
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        *MESSAGE_BEGINS,
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    (item,) = driver.last("response.done")["response"]["output"]
    assert item["content"] == [{"type": "output_text", "text": "Hi there"}]
    assert driver.last("response.content_part.done")["part"] == {"type": "text", "text": "Hi there"}
    (created,) = driver.sent(engine.ItemCreate)
    assert created.item.content == "Hello"
    assert created.item.role is engine.Role.USER


# ---- tools ----


def test_a_call_of_a_tool_and_its_output() -> None:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    driver = Driver({"tools": [tool]})
    assert driver.sent(engine.Open)[0].config.tools[0].parameters_json == '{"type": "object"}'
    driver.user_turn()
    mark = driver.mark()
    call = engine.FunctionCall("call_a", "weather", '{"city":"Oslo"}')
    driver.engine(engine.ToolCall(1, call), engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.types(mark) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert driver.last("response.output_item.added")["item"]["status"] == "in_progress"
    done = driver.last("response.output_item.done")["item"]
    assert (done["status"], done["call_id"]) == ("completed", "call_a")
    assert driver.last("response.function_call_arguments.done")["name"] == "weather"
    driver.client(
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": "call_a", "output": "rain"},
    )
    driver.client("response.create")
    (created,) = driver.sent(engine.ItemCreate)
    assert created.item.content == engine.FunctionCallOutput("call_a", "rain")
    assert driver.sent(engine.Respond)[-1].response == 2


def test_a_call_of_a_tool_within_a_spoken_answer() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Let me look."))
    driver.engine(engine.ToolCall(1, engine.FunctionCall("", "weather", "{}")))
    driver.speech(1, 100)
    driver.play(40)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    message, call = driver.last("response.done")["response"]["output"]
    assert message["type"] == "message"
    assert call["call_id"].startswith("call_")
    driver.rules.settle()


# ---- transcripts of the user's speech ----


def test_no_transcripts_unless_they_are_wished() -> None:
    driver = Driver()
    driver.user_turn()
    item_id = driver.sent(engine.Commit)[0].item_id
    mark = driver.mark()
    driver.engine(engine.InputTranscript(item_id, "what time is it", final=True))
    assert driver.types(mark) == []
    assert driver.conversation.engine_opening().history[-1].content == "what time is it"


def test_transcripts_grow_and_become_final() -> None:
    driver = Driver({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    driver.user_turn()
    item_id = driver.sent(engine.Commit)[0].item_id
    mark = driver.mark()
    for text, final in (("what", False), ("what time", False), ("what time is it", True)):
        driver.engine(engine.InputTranscript(item_id, text, final))
    deltas = [e["delta"] for e in driver.events[mark.events :] if "delta" in e]
    assert deltas == ["what", " time", " is it"]
    completed = driver.last("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "what time is it"
    assert completed["usage"] == {"type": "duration", "seconds": 1.0}
    assert driver.item(item_id)["content"][0]["transcript"] == "what time is it"


def test_a_transcript_that_was_ready_before_the_turn_ended() -> None:
    driver = Driver({"audio": {"input": {"transcription": {}}}})
    driver.engine(engine.SpeechStarted(0))
    driver.engine(engine.InputTranscript("", "stop", final=True))
    assert driver.types()[-1] == "input_audio_buffer.speech_started"
    driver.engine(engine.SpeechStopped(900), engine.TurnEnded(400))
    types = driver.types()
    done = types.index("conversation.item.done")
    assert types[done + 1 : done + 3] == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]


def test_a_hypothesis_that_takes_words_back_adds_nothing() -> None:
    driver = Driver({"audio": {"input": {"transcription": {}}}})
    driver.user_turn()
    item_id = driver.sent(engine.Commit)[0].item_id
    mark = driver.mark()
    driver.engine(engine.InputTranscript(item_id, "recognise speech", final=False))
    driver.engine(engine.InputTranscript(item_id, "wreck a nice beach", final=True))
    assert [event["type"].rpartition(".")[2] for event in driver.events[mark.events :]] == [
        "delta",
        "completed",
    ]
    driver.engine(engine.InputTranscript(item_id, "once more", final=True))
    assert driver.types(mark)[-1] == "conversation.item.input_audio_transcription.completed"


def test_a_transcript_that_failed() -> None:
    driver = Driver({"audio": {"input": {"transcription": {}}}})
    driver.user_turn()
    item_id = driver.sent(engine.Commit)[0].item_id
    driver.engine(engine.InputTranscript(item_id, "", final=True, error="recognition_failed"))
    failed = driver.last("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "recognition_failed"


# ---- before the channel opens, and failures ----


def test_session_created_comes_first_whatever_happened_before() -> None:
    driver = Driver(open_channel=False)
    driver.user_turn()
    assert driver.events == []
    assert driver.sent(engine.Respond)
    driver.open_channel()
    assert driver.types()[:2] == ["session.created", "conversation.created"]
    assert driver.types()[2:] == [*USER_TURN, "response.created"]


@pytest.mark.parametrize(
    ("done", "status", "details"),
    [
        (
            engine.Done(1, engine.DoneStatus.INCOMPLETE, "max_output_tokens"),
            "incomplete",
            {"type": "incomplete", "reason": "max_output_tokens"},
        ),
        (
            engine.Done(1, engine.DoneStatus.INCOMPLETE, "content_filter"),
            "incomplete",
            {"type": "incomplete", "reason": "content_filter"},
        ),
        (
            engine.Done(1, engine.DoneStatus.CANCELLED),
            "cancelled",
            {"type": "cancelled", "reason": "turn_detected"},
        ),
    ],
)
def test_how_the_engine_may_end_a_response(
    done: engine.Done, status: str, details: dict[str, str]
) -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Well"), done)
    response = driver.last("response.done")["response"]
    assert response["status"] == status
    assert response["status_details"] == details
    assert response["output"][0]["status"] == "incomplete"


def test_a_response_that_failed() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.Done(1, engine.DoneStatus.FAILED, "brain_timeout"))
    details = driver.last("response.done")["response"]["status_details"]
    assert details["type"] == "failed"
    assert details["error"]["code"] == "brain_timeout"
    assert driver.closed == []


def test_usage_in_the_api_shape() -> None:
    driver = Driver()
    driver.user_turn()
    usage = engine.Usage(10, 20, 5, 3, 4)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED, usage=usage))
    told = driver.last("response.done")["response"]["usage"]
    assert (told["input_tokens"], told["output_tokens"], told["total_tokens"]) == (30, 7, 37)
    assert told["input_token_details"]["cached_tokens"] == 5
    assert told["output_token_details"] == {"text_tokens": 3, "audio_tokens": 4}


def test_an_engine_error_that_the_session_survives() -> None:
    driver = Driver()
    driver.engine(engine.Error("unknown_item", "no such item", fatal=False))
    assert driver.error()["type"] == "server_error"
    assert driver.error()["code"] == "unknown_item"
    assert driver.closed == []


def test_an_engine_failure_ends_the_response_and_the_call() -> None:
    driver = Driver()
    answering(driver)
    mark = driver.mark()
    driver.engine(engine.Error("engine_failed", "out of memory", fatal=True))
    assert driver.types(mark) == [*SPOKEN_MESSAGE_ENDS, "response.done", "error"]
    assert driver.last("response.done")["response"]["status"] == "failed"
    assert driver.closed == [CloseCall(CloseReason.ENGINE_FAILED)]
    driver.rules.settle()


# ---- audio in events ----


def test_audio_in_events_where_the_client_plays() -> None:
    driver = Driver(transport=Transport.WEBSOCKET)
    driver.client("input_audio_buffer.append", audio="AAEC")
    assert driver.appended == [b"\x00\x01\x02"]
    driver.user_turn()
    mark = driver.mark()
    driver.engine(engine.TextDelta(1, "Hi"))
    driver.speech(1, 100)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.types(mark) == [
        *MESSAGE_BEGINS,
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
    ]
    assert driver.playout.buffered_ms == 0


def test_barge_in_where_the_client_plays_leaves_truncation_to_it() -> None:
    driver = Driver(transport=Transport.WEBSOCKET)
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Hi"))
    driver.speech(1, 100)
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(3000))
    assert driver.types(mark) == [
        "input_audio_buffer.speech_started",
        *SPOKEN_MESSAGE_ENDS,
        "response.done",
    ]
    assert driver.sent(engine.Cancel) == [engine.Cancel(1, 100)]


def test_audio_in_events_is_refused_beside_a_track() -> None:
    driver = Driver()
    driver.client("input_audio_buffer.append", audio="AAEC", event_id="mine")
    assert driver.error()["code"] == "unsupported_on_transport"
    assert driver.appended == []
