"""An event with a fault changes nothing or is taken; what is shown then has official shapes."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.bad_input import events_with_one_fault, no_events
from tests.transceiver.conversation_driver import Driver
from transceiver.transport import Transport

many = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.sampled_from(Transport), st.lists(events_with_one_fault(), min_size=1, max_size=3))
def test_events_with_a_fault(transport: Transport, events: list[dict[str, Any]]) -> None:
    driver = Driver(transport=transport)
    for event in events:
        before = len(driver.events)
        driver.client_text(json.dumps(event))
        answers = [answer["type"] for answer in driver.events[before:]]
        assert "error" not in answers or answers == ["error"]


@many
@given(st.sampled_from(Transport), no_events)
def test_what_is_no_event(transport: Transport, message: str | bytes) -> None:
    driver = Driver(transport=transport)
    driver.client_text(message)
    assert [event["type"] for event in driver.events[2:]] == ["error"]
