"""A conversation that outgrew its model loses its older half, once, and for good."""

from dataclasses import replace

import pytest

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Role, Truncation
from inference.engines.cascade.brain.brain import Prompt
from inference.engines.cascade.brain.context_window import ContextWindow
from inference.engines.cascade.usage import item_tokens

REFUSAL = '{"message": "This model\'s maximum context length is 2048 tokens."}'


def conversation(turns: int) -> Prompt:
    items: list[Item] = []
    for turn in range(turns):
        items.append(Item(f"u{turn}", Role.USER, "So?"))
        items.append(Item(f"c{turn}", Role.ASSISTANT, FunctionCall(f"c{turn}", "look", "{}")))
        items.append(Item(f"o{turn}", Role.USER, FunctionCallOutput(f"c{turn}", "sky")))
        items.append(Item(f"a{turn}", Role.ASSISTANT, "Sky."))
    return Prompt("Be brief.", tuple(items))


def ids(prompt: Prompt) -> list[str]:
    return [item.id for item in prompt.history]


def test_the_newer_half_is_kept_from_a_question_on() -> None:
    window, prompt = ContextWindow(), conversation(5)
    assert window.fit(prompt) == prompt
    assert window.learn(REFUSAL, prompt)
    assert ids(window.fit(prompt))[0] == "u3"
    longer = conversation(6)
    assert ids(window.fit(longer)) == [*ids(window.fit(prompt)), "u5", "c5", "o5", "a5"]


def test_it_is_halved_again_until_one_question_is_left() -> None:
    window, prompt = ContextWindow(), conversation(8)
    halvings = 0
    while window.learn(REFUSAL, window.fit(prompt)):
        halvings += 1
    assert halvings == 3
    assert ids(window.fit(prompt))[0] == "u7"


def test_when_its_first_item_is_deleted_all_is_tried_again() -> None:
    window, prompt = ContextWindow(), conversation(4)
    assert window.learn(REFUSAL, prompt)
    without = replace(prompt, history=tuple(i for i in prompt.history if i.id != "u2"))
    assert window.fit(without) == without


def test_a_limit_is_kept_to_before_the_model_refuses() -> None:
    whole, truncation = conversation(8), Truncation(retention_ratio=0.5, max_tokens=20)
    prompt = replace(whole, truncation=truncation)
    window, each = ContextWindow(), sum(map(item_tokens, conversation(1).history))
    fitting = window.fit(prompt)
    kept = sum(map(item_tokens, fitting.history))
    assert 10 - each < kept <= 10
    assert ids(fitting)[0].startswith("u")
    longer = replace(conversation(9), truncation=truncation)
    assert ids(window.fit(longer))[0] == ids(fitting)[0], "the server's cache is spared"


def test_a_question_that_is_over_the_limit_alone_is_asked() -> None:
    prompt = replace(conversation(3), truncation=Truncation(max_tokens=1, retention_ratio=0.5))
    assert ids(ContextWindow().fit(prompt))[0] == "u2"


def test_as_much_is_kept_of_what_was_refused_as_the_session_says() -> None:
    window = ContextWindow()
    prompt = replace(conversation(10), truncation=Truncation(retention_ratio=0.8))
    assert window.learn(REFUSAL, prompt)
    assert ids(window.fit(prompt))[0] == "u2"


@pytest.mark.parametrize("refusal", ["", "invalid tool", '{"error": "unauthorized"}'])
def test_other_refusals_teach_nothing(refusal: str) -> None:
    assert not ContextWindow().learn(refusal, conversation(4))
