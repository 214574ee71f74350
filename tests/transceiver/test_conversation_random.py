"""Whatever clients and engines do, in whatever order, events stay consistent."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.close_reason import CloseReason
from transceiver.transport import Transport

Step = Callable[[Driver], None]

small = st.integers(0, 5)
ids = st.sampled_from(["item_1", "item_2", "item_3", "item_4", "own", "root", "nowhere"])


def latest(driver: Driver) -> int:
    responds = driver.sent(engine.Respond)
    return responds[-1].response if responds else 1


def client(type_: str, **members: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries(members).map(
        lambda given: lambda driver: driver.client(type_, **given)
    )


def from_engine(kind: type, **members: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries(members).map(
        lambda given: lambda driver: driver.engine(kind(**given))
    )


def of_response(kind: type, **members: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    """An event of the latest response, or now and then of an earlier or later one."""
    offset = st.sampled_from([0, 0, 0, 0, -1, -2, 1])
    return st.tuples(offset, st.fixed_dictionaries(members)).map(
        lambda given: lambda driver: driver.engine(kind(latest(driver) + given[0], **given[1]))
    )


PATCHES = [
    {},
    {"output_modalities": ["text"]},
    {"output_modalities": ["audio"]},
    {"audio": {"input": {"turn_detection": None}}},
    {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}},
    {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
    {"audio": {"input": {"turn_detection": {"interrupt_response": False}}}},
    {"audio": {"input": {"turn_detection": {"create_response": False}}}},
    {"audio": {"input": {"transcription": {}}}},
    {"audio": {"output": {"voice": "verse"}}},
    {"tools": [{"type": "function", "name": "f"}]},
    {"voice": "beta"},
]
RESPONSES = [
    {},
    {"output_modalities": ["text"]},
    {"tool_choice": "none", "metadata": {"a": "b"}},
    {"input": []},
    {"conversation": "none"},
    {"conversation": "none", "output_modalities": ["text"], "input": []},
    {"input": [{"type": "item_reference", "id": "item_1"}]},
]
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
ITEMS = [
    ITEM,
    {**ITEM, "id": "own"},
    {"type": "function_call_output", "call_id": "c", "output": ""},
]
CALLS = [engine.FunctionCall("", "f", "{}"), engine.FunctionCall("call_x", "g", '{"a": 1}')]

steps: st.SearchStrategy[Step] = st.one_of(
    client("session.update", session=st.sampled_from(PATCHES)),
    client("input_audio_buffer.commit"),
    client("input_audio_buffer.clear"),
    client("output_audio_buffer.clear"),
    client(
        "conversation.item.create",
        item=st.sampled_from(ITEMS),
        previous_item_id=st.none() | ids,
    ),
    client("conversation.item.retrieve", item_id=ids),
    client("conversation.item.delete", item_id=ids),
    client(
        "conversation.item.truncate",
        item_id=ids,
        content_index=st.integers(0, 1),
        audio_end_ms=st.integers(0, 500),
    ),
    client("response.create", response=st.sampled_from(RESPONSES)),
    client("response.cancel"),
    client("response.cancel", response_id=st.sampled_from(["resp_1", "resp_2", "resp_3"])),
    st.text(max_size=20).map(lambda text: lambda driver: driver.client_text(text)),
    from_engine(engine.SpeechStarted, audio_start_ms=small),
    from_engine(engine.SpeechStopped, audio_end_ms=small),
    from_engine(engine.TurnEnded, voiced_end_ms=small),
    from_engine(engine.FloorTaken),
    from_engine(engine.SpeechDismissed, audio_end_ms=small),
    from_engine(
        engine.InputTranscript,
        item_id=st.just("") | ids,
        text=st.sampled_from(["", "a", "a b", "b"]),
        final=st.booleans(),
        error=st.sampled_from(["", "", "recognition_failed"]),
    ),
    from_engine(engine.Error, code=st.just("x"), message=st.just("y"), fatal=st.just(False)),
    from_engine(engine.Draining, deadline_ms=small),
    of_response(engine.ResponseStarted),
    of_response(engine.TextDelta, text=st.sampled_from(["", "Hello", " world"])),
    of_response(
        engine.WordsSpoken, words=st.lists(st.builds(engine.WordEnd, small, small)).map(tuple)
    ),
    of_response(
        engine.ToolCallDelta,
        call_id=st.sampled_from(["", "call_x", "call_y"]),
        name=st.just("g"),
        arguments_json=st.sampled_from(["", '{"a"', ": 1}"]),
    ),
    of_response(engine.ToolCall, call=st.sampled_from(CALLS)),
    of_response(engine.Done, status=st.sampled_from(engine.DoneStatus)),
    st.tuples(st.sampled_from([0, 0, 0, -1, 1]), st.sampled_from([0, 5, 20, 100])).map(
        lambda given: lambda driver: driver.speech(latest(driver) + given[0], given[1])
    ),
    st.sampled_from([20, 60, 200]).map(lambda ms: lambda driver: driver.play(ms)),
    st.sampled_from([20, 200]).map(lambda ms: lambda driver: driver.input(ms)),
    st.just(lambda driver: driver.user_turn(200)),
)


def check_commands(driver: Driver) -> None:
    responses = [command.response for command in driver.sent(engine.Respond)]
    assert responses == list(range(1, len(responses) + 1))
    commits = [command.item_id for command in driver.sent(engine.Commit)]
    assert len(commits) == len(set(commits))
    for command in driver.sent(engine.Cancel):
        assert command.response in responses
        assert command.played_ms >= 0


@settings(max_examples=150)
@given(st.sampled_from(Transport), st.booleans(), st.booleans(), st.lists(steps, max_size=40))
def test_any_order_of_causes_keeps_the_rules(
    transport: Transport, open_channel: bool, judges: bool, sequence: list[Step]
) -> None:
    driver = Driver(transport=transport, open_channel=open_channel, judges=judges)
    for step in sequence:
        step(driver)
    if not open_channel:
        driver.open_channel()
    driver.engine(engine.Error("engine_failed", "the end", fatal=True))
    driver.rules.settle()
    check_commands(driver)
    assert [output.reason for output in driver.closed] == [CloseReason.ENGINE_FAILED]


@settings(max_examples=50)
@given(st.lists(steps, max_size=30))
def test_what_plays_ends(sequence: list[Step]) -> None:
    """After any history the agent falls silent, and every start of playing has its end."""
    driver = Driver()
    for step in sequence:
        step(driver)
    for asked in driver.sent(engine.Respond):
        driver.engine(engine.Done(asked.response, engine.DoneStatus.COMPLETED))
    driver.play(10_000)
    assert driver.playout.buffered_ms == 0
    assert "started" not in driver.rules.playing.values()
