import pytest

from antiphon.key_file_text import KeyAge, KeyFileText, Mark
from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys

OLD, NEW = "00" * 32, "11" * 32
ROTATING = f"""\
# config id, layout, cluster secret
3 ipv4 {NEW}
0 ipv4 {OLD}  # old since 2026-11-21T20:45:00Z
1 ipv6 {OLD}  # for the lab
4 short {NEW}  # new since 2026-11-21T20:40:00Z
2 short {OLD}  # old
"""


def test_a_file_comes_back_as_it_was() -> None:
    assert str(KeyFileText.parse(ROTATING)) == ROTATING


def test_marks_are_read_and_other_comments_are_not() -> None:
    file = KeyFileText.parse(ROTATING)
    assert [line.mark for line in file.lines] == [
        None,
        Mark(KeyAge.OLD, 1795293900.0),
        None,
        Mark(KeyAge.NEW, 1795293600.0),
        Mark(KeyAge.OLD),
    ]
    assert [line.config.id for line in file.aged(KeyAge.OLD)] == [0, 2]
    assert [line.config.id for line in file.unmarked] == [3, 1]


def test_the_tiers_read_the_same_keys() -> None:
    assert KeyFileText.parse(ROTATING).keys == ClusterKeys.parse(ROTATING)


@pytest.mark.parametrize("time", ["yesterday", "2026-11-21", "2026-13-21T20:40:00Z"])
def test_a_mark_with_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(ClusterKeyError, match=rf"line 2: .*{time}"):
        KeyFileText.parse(f"\n0 ipv4 {OLD} # new since {time}\n")


def test_a_file_that_the_tiers_refuse_is_refused() -> None:
    with pytest.raises(ClusterKeyError, match="line 1"):
        KeyFileText.parse("0 ipv4\n")
