import pytest

from loadtest.verdict.wording import words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("set_up", "Set-up"),
        ("set_up_ice", "Set-up: ICE"),
        ("set_up_data_channel", "Set-up: data channel"),
        ("turn_asr", "Turn: recognition"),
        ("turns_right", "Turns right"),
        ("frame_lateness", "Frame lateness"),
        ("barge_in", "Barge-in"),
        ("barge_ins", "Barge ins"),
    ],
)
def test_names_are_words(name: str, expected: str) -> None:
    assert words(name) == expected
