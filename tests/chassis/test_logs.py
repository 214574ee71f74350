import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chassis.logs import (
    MAX_TEXT,
    JsonFormatter,
    LogFormat,
    LoggedCall,
    Redacted,
    configure_logging,
    current_call,
    log_format,
    log_format_in_use,
    log_level,
)

CALL = LoggedCall("rtc_1", "4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, which is as before after the test."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook
    yield root
    root.handlers[:], root.level, sys.excepthook = before
    logging.captureWarnings(capture=False)


def written(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter("transceiver", 1).format(record)
    assert "\n" not in line
    members: dict[str, object] = json.loads(line)
    return members


def record(message: str = "hello", *arguments: object, **others: object) -> logging.LogRecord:
    made = logging.LogRecord("a.b", logging.WARNING, "", 0, message, arguments, None)
    made.created = 1_767_323_045.1239
    made.__dict__.update(others)
    return made


def raised(message: str) -> object:
    """The `exc_info` of an exception with a traceback."""
    error = LookupError(message)
    with suppress(LookupError):
        raise error
    return LookupError, error, error.__traceback__


def test_redacted_data_never_formats_as_itself() -> None:
    assert f"{Redacted('secret')} {Redacted('secret')!r} %s" % Redacted("secret") == (
        "[redacted] [redacted] [redacted]"
    )


def test_redaction_can_be_lifted_for_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redacted, "reveal", True)
    assert str(Redacted("198.51.100.7")) == "198.51.100.7"


def test_levels_are_read_in_any_case_and_unknown_ones_refused() -> None:
    assert log_level("DEBUG") == "debug"
    with pytest.raises(ValueError, match="loud"):
        log_level("loud")


def test_formats_are_text_and_json() -> None:
    assert [log_format("text"), log_format("json")] == list(LogFormat)
    with pytest.raises(ValueError, match="expected text or json, not 'xml'"):
        log_format("xml")


def test_a_record_is_one_line_that_names_the_tier(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("relay", "warning")
    assert log_format_in_use() is LogFormat.TEXT
    logging.getLogger("somewhere").warning("hello")
    logging.getLogger("somewhere").info("not this")
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("relay WARNING somewhere: hello")


def test_a_worker_is_named_by_its_number(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("transceiver", "info", worker=2)
    logging.getLogger("somewhere").info("hello")
    assert capsys.readouterr().err.endswith("transceiver-2 INFO somewhere: hello\n")


def test_a_record_is_one_object_a_line(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("relay", "info", LogFormat.JSON)
    assert log_format_in_use() is LogFormat.JSON
    logging.getLogger("somewhere").info("two\nlines, \u00e9 and \ud800")
    logging.getLogger("somewhere").debug("not this")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "two\nlines, \u00e9 and \ud800"


def test_the_members_of_a_line() -> None:
    assert written(record("%d of %s", 3, Redacted("Alice"))) == {
        "time": "2026-01-02T03:04:05.123Z",
        "level": "warning",
        "tier": "transceiver",
        "worker": 1,
        "logger": "a.b",
        "message": "3 of [redacted]",
    }


def test_a_tier_of_one_process_has_no_worker() -> None:
    assert "worker" not in json.loads(JsonFormatter("inference").format(record()))


def test_a_line_about_a_call_names_it_and_its_trace() -> None:
    line = written(record(**CALL.extra))
    assert (line["call_id"], line["trace_id"]) == (CALL.call_id, CALL.trace_id)
    assert "trace_id" not in written(record(**LoggedCall("rtc_1").extra))


def test_what_a_task_says_is_about_the_call_that_it_works_for() -> None:
    token = current_call.set(CALL)
    try:
        assert written(record())["call_id"] == "rtc_1"
        assert written(record(**LoggedCall("rtc_2").extra))["call_id"] == "rtc_2"
    finally:
        current_call.reset(token)


def test_an_exception_is_a_member() -> None:
    line = written(record(exc_info=raised("none here")))
    assert str(line["exception"]).startswith("Traceback (most recent call last):\n")
    assert str(line["exception"]).endswith("LookupError: none here")


def test_a_line_is_bounded() -> None:
    line = written(record("y" * 2 * MAX_TEXT, exc_info=raised("x" * 2 * MAX_TEXT)))
    assert len(str(line["message"])) == len(str(line["exception"])) == MAX_TEXT


def test_what_ends_the_process_is_a_line_too(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("inference", "info", LogFormat.JSON)
    sys.excepthook(LookupError, LookupError("none here"), None)
    [line] = capsys.readouterr().err.splitlines()
    assert "LookupError: none here" in json.loads(line)["exception"]
