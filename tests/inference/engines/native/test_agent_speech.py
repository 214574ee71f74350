"""When the agent speaks."""

from inference.engines.native.agent_speech import END_STEPS, AgentSpeech, SpeechChange

LOUD, QUIET = 0.1, 0.001


def changes(steps: list[tuple[float, bool]]) -> list[tuple[int, SpeechChange]]:
    speech = AgentSpeech()
    found = []
    for index, (rms, words) in enumerate(steps):
        if (change := speech.push(rms, words=words)) is not None:
            found.append((index, change))
    return found


def test_a_word_begins_it_before_it_is_heard() -> None:
    assert changes([(QUIET, False), (QUIET, True)]) == [(1, SpeechChange.BEGAN)]


def test_a_click_is_no_speech_but_a_laugh_is() -> None:
    assert changes([(LOUD, False), (QUIET, False)] * 5) == []
    assert changes([(LOUD, False), (LOUD, False)]) == [(1, SpeechChange.BEGAN)]


def test_it_ends_with_a_long_pause_only() -> None:
    steps = [(LOUD, True), *[(QUIET, False)] * (END_STEPS - 1), (LOUD, False)]
    steps += [(QUIET, False)] * END_STEPS
    assert changes(steps) == [(0, SpeechChange.BEGAN), (len(steps) - 1, SpeechChange.ENDED)]
