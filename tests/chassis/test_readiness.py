import os

import pytest

from chassis.readiness import parse_ready, report_ready


def test_what_is_reported_is_read() -> None:
    read, write = os.pipe()
    report_ready(write, {"public": "127.0.0.1:1", "tunnels": ["127.0.0.1:2"]})
    with os.fdopen(read) as pipe:
        assert parse_ready(pipe.read()) == {"public": "127.0.0.1:1", "tunnels": ["127.0.0.1:2"]}


def test_nobody_asked() -> None:
    report_ready(None, {})


@pytest.mark.parametrize("text", ["", "[]", '"ready"', "{", '{"a": 1} {}'])
def test_anything_but_one_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_ready(text)
