import logging

import pytest

from chassis.logs import Redacted, configure_logging, log_level


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


def test_a_record_is_one_line_that_names_the_tier(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logging("relay", "warning")
        logging.getLogger("somewhere").warning("hello")
        logging.getLogger("somewhere").info("unheard")
    finally:
        root.handlers[:], root.level = before
    line = capsys.readouterr().err
    assert line.endswith(" relay WARNING somewhere: hello\n")
    assert line.count("\n") == 1
