"""Calls of tools: told as they are written, whole once they are."""

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver
from transceiver.response_output import MAX_TEXT

NO_DETECTION = {"audio": {"input": {"turn_detection": None}}}
CALL_ENDS = [
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
]


def answering() -> Driver:
    driver = Driver(session={"output_modalities": ["text"], **NO_DETECTION})
    driver.client("response.create")
    return driver


def write(driver: Driver, call_id: str, *pieces: str) -> None:
    for piece in pieces:
        driver.engine(engine.ToolCallDelta(1, call_id, "look_up", piece))


def whole(driver: Driver, call_id: str, arguments: str) -> None:
    driver.engine(engine.ToolCall(1, engine.FunctionCall(call_id, "look_up", arguments)))


def deltas(driver: Driver) -> list[str]:
    kind = "response.function_call_arguments.delta"
    return [event["delta"] for event in driver.events if event["type"] == kind]


def done(driver: Driver, status: engine.DoneStatus = engine.DoneStatus.COMPLETED) -> None:
    driver.engine(engine.Done(1, status, "max_output_tokens"))
    driver.rules.settle()


def test_arguments_are_told_as_they_are_written() -> None:
    driver = answering()
    mark = driver.mark()
    write(driver, "call_a", '{"word"', ': "x"}')
    added = driver.last("response.output_item.added")["item"]
    assert (added["status"], added["arguments"], added["call_id"]) == ("in_progress", "", "call_a")
    whole(driver, "call_a", '{"word": "x"}')
    done(driver)
    assert driver.types(mark) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        *CALL_ENDS,
        "response.done",
    ]
    assert deltas(driver) == ['{"word"', ': "x"}']
    arguments = driver.last("response.function_call_arguments.done")
    assert (arguments["name"], arguments["arguments"]) == ("look_up", '{"word": "x"}')
    item = driver.last("response.done")["response"]["output"][0]
    assert (item["status"], item["arguments"]) == ("completed", '{"word": "x"}')


def test_a_call_that_comes_whole_has_its_arguments_in_one_piece() -> None:
    driver = answering()
    whole(driver, "call_a", '{"word": "x"}')
    assert deltas(driver) == ['{"word": "x"}']


def test_what_was_not_told_of_a_whole_call_follows() -> None:
    driver = answering()
    write(driver, "call_a", '{"word"')
    whole(driver, "call_a", '{"word": "x"}')
    assert deltas(driver) == ['{"word"', ': "x"}']


def test_calls_that_are_written_side_by_side_are_told_apart() -> None:
    driver = answering()
    write(driver, "call_a", '{"word"')
    write(driver, "call_b", "{")
    write(driver, "call_a", ': "x"}')
    write(driver, "call_b", "}")
    whole(driver, "call_a", '{"word": "x"}')
    whole(driver, "call_b", "{}")
    done(driver)
    output = driver.last("response.done")["response"]["output"]
    assert [(each["call_id"], each["arguments"]) for each in output] == [
        ("call_a", '{"word": "x"}'),
        ("call_b", "{}"),
    ]


def test_a_call_that_breaks_off_is_no_call_to_run() -> None:
    driver = answering()
    write(driver, "call_a", '{"word"')
    done(driver, engine.DoneStatus.INCOMPLETE)
    assert "response.function_call_arguments.done" not in driver.types()
    response = driver.last("response.done")["response"]
    assert response["status"] == "incomplete"
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["arguments"] == '{"word"'


def test_a_call_of_a_cancelled_response_breaks_off() -> None:
    driver = answering()
    write(driver, "call_a", '{"word"')
    driver.client("response.cancel")
    whole(driver, "call_a", '{"word": "x"}')
    assert driver.last("response.output_item.done")["item"]["status"] == "incomplete"
    assert "response.function_call_arguments.done" not in driver.types()
    driver.rules.settle()


def test_a_call_that_becomes_too_long_is_not_whole() -> None:
    driver = answering()
    write(driver, "call_a", "[", "1," * MAX_TEXT)
    whole(driver, "call_a", "[" + "1," * MAX_TEXT)
    done(driver)
    assert driver.last("response.output_item.done")["item"]["arguments"] == "["
    assert driver.last("response.output_item.done")["item"]["status"] == "incomplete"


def test_another_engine_makes_a_call_anew_that_was_not_whole() -> None:
    driver = answering()
    write(driver, "call_a", '{"word"')
    _resumptions, outputs = driver.conversation.engine_resumptions()
    driver.act(outputs)
    assert driver.last("response.output_item.done")["item"]["status"] == "incomplete"
    write(driver, "call_b", '{"word": "x"}')
    whole(driver, "call_b", '{"word": "x"}')
    done(driver)
    output = driver.last("response.done")["response"]["output"]
    assert [each["status"] for each in output] == ["incomplete", "completed"]
