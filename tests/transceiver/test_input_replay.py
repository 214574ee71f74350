"""What an engine that takes over in the middle of a turn hears again."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transceiver.input_replay import HELD_S, QUIET_S, Committed, Heard, InputReplay

RATE = 1000
FRAME_MS = 20
FRAME = bytes(2 * FRAME_MS)


class User:
    """Somebody who is heard."""

    def __init__(self) -> None:
        self.replay = InputReplay()
        self.replay.start(RATE)
        self.now = 0

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            self.replay.push(self.now, FRAME)
            self.now += FRAME_MS

    def heard(self) -> list[tuple[int, int]]:
        """From where to where on the input clock."""
        runs = [part for part in self.replay.script() if isinstance(part, Heard)]
        return [(run.position, run.position + len(run.pcm) // 2) for run in runs]

    def script(self) -> list[object]:
        return [
            part.item_id if isinstance(part, Committed) else len(part.pcm) // 2
            for part in self.replay.script()
        ]


def test_of_silence_only_a_little_is_kept() -> None:
    user = User()
    user.pass_time(30)
    assert user.heard() == [(30_000 - QUIET_S * 1000, 30_000)]


def test_speech_is_held_until_its_words_are_known() -> None:
    user = User()
    user.pass_time(10)
    user.replay.speech_started()
    user.pass_time(4)
    start = 10_000 - QUIET_S * 1000
    assert (user.heard()[0][0], user.heard()[-1][1]) == (start, 14_000)
    user.replay.committed("item")
    user.pass_time(0.5)
    assert user.script()[-2:] == ["item", 500]
    user.replay.transcribed("item")
    user.pass_time(0.1)
    assert user.heard()[0][0] >= 14_000


def test_turns_are_committed_again_where_they_were() -> None:
    user = User()
    for item_id in "ab":
        user.replay.speech_started()
        user.pass_time(0.6)
        user.replay.committed(item_id)
    user.pass_time(0.2)
    assert user.script() == [600, "a", 600, "b", 200]
    user.replay.transcribed("b")
    assert "a" not in user.script()


def test_of_a_long_speech_the_end_is_kept() -> None:
    user = User()
    user.replay.speech_started()
    user.pass_time(60)
    assert (user.heard()[0][0], user.heard()[-1][1]) == (60_000 - HELD_S * 1000, 60_000)
    user.replay.speech_dismissed()
    user.pass_time(0.1)
    assert sum(end - start for start, end in user.heard()) == QUIET_S * 1000


def test_a_client_that_commits_by_itself_is_held_until_it_does() -> None:
    user = User()
    user.replay.detect_turns(False)
    user.pass_time(5)
    assert user.heard()[0][0] == 0
    user.replay.clear()
    assert user.heard() == []


def test_a_client_that_commits_no_longer_is_not_held() -> None:
    user = User()
    user.replay.detect_turns(False)
    user.pass_time(5)
    user.replay.detect_turns(True)
    user.pass_time(0.1)
    assert sum(end - start for start, end in user.heard()) == QUIET_S * 1000


def test_what_was_cleared_behind_a_turn_is_not_heard_again() -> None:
    user = User()
    user.replay.speech_started()
    user.pass_time(0.6)
    user.replay.committed("a")
    user.replay.speech_started()
    user.pass_time(0.8)
    user.replay.clear()
    assert user.script() == [600, "a"]


def test_a_hole_stays_one() -> None:
    user = User()
    user.pass_time(0.1)
    user.now += 200
    user.pass_time(0.1)
    assert user.heard() == [(0, 100), (300, 400)]


@given(
    st.lists(st.sampled_from(["time", "speak", "commit", "words", "dismiss", "clear"]), max_size=40)
)
def test_it_stays_bounded_and_in_order(course: list[str]) -> None:
    user, commits = User(), 0
    for event in course:
        match event:
            case "time":
                user.pass_time(2)
            case "speak":
                user.replay.speech_started()
            case "commit":
                commits += 1
                user.replay.committed(f"item_{commits}")
            case "words":
                user.replay.transcribed(f"item_{commits}")
            case "dismiss":
                user.replay.speech_dismissed()
            case "clear":
                user.replay.clear()
    heard = user.heard()
    assert all(end <= start for (_, end), (start, _) in pairwise(heard))
    assert sum(end - start for start, end in heard) <= HELD_S * 1000
    marks = [part.item_id for part in user.replay.script() if isinstance(part, Committed)]
    assert marks == sorted(set(marks), key=lambda item_id: int(item_id[5:]))
    assert len(marks) <= 8
