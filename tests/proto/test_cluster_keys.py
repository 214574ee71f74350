import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys, Layout

OLD, NEW = "11" * 32, "22" * 32


def test_a_generated_file_mints_every_layout() -> None:
    keys = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
    for layout in Layout:
        assert keys.minting(layout).secret == bytes(range(32))
    assert len({keys.minting(layout).id for layout in Layout}) == len(Layout)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_is_made_from_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        ClusterKeys.generate(bytes(length))


def test_comments_and_blank_lines_are_skipped() -> None:
    keys = ClusterKeys.parse(f"# keys\n\n  3 ipv4 {OLD}  # in use\n")
    assert [config.id for config in keys.configs] == [3]


def test_the_first_line_of_a_layout_mints() -> None:
    keys = ClusterKeys.parse(f"4 ipv6 {OLD}\n2 ipv4 {NEW}\n0 ipv4 {OLD}\n")
    assert keys.first.id == 4
    assert keys.minting(Layout.IPV6).id == 4
    assert keys.minting(Layout.IPV4).id == 2


def test_a_layout_without_a_line_cannot_mint() -> None:
    with pytest.raises(ClusterKeyError, match="ipv6"):
        ClusterKeys.parse(f"0 ipv4 {OLD}").minting(Layout.IPV6)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no key"),
        ("# only a comment", "no key"),
        (f"0 ipv4 {OLD}\n0 ipv6 {NEW}", "line 2.*twice"),
        (f"7 ipv4 {OLD}", "line 1.*0 to 6"),
        (f"-1 ipv4 {OLD}", "0 to 6"),
        (f"٣ ipv4 {OLD}", "0 to 6"),
        (f"0 ipv5 {OLD}", "ipv4, ipv6 or short"),
        ("0 ipv4", "expected"),
        (f"0 ipv4 {OLD} extra", "expected"),
        (f"0 ipv4 {OLD[1:]}", "64 hex"),
        (f"0 ipv4 {OLD}0", "64 hex"),
        (f"0 ipv4 {'zz' * 32}", "64 hex"),
    ],
)
def test_a_bad_file_is_refused_by_line(text: str, complaint: str) -> None:
    with pytest.raises(ClusterKeyError, match=complaint):
        ClusterKeys.parse(text)


def test_no_secret_is_ever_shown() -> None:
    keys = ClusterKeys.parse(f"0 ipv4 {OLD}")
    assert OLD not in repr(keys)
    assert str(bytes.fromhex(OLD)) not in repr(keys)
    with pytest.raises(ClusterKeyError) as caught:
        ClusterKeys.parse(f"0 ipv4 {OLD}ff")
    assert OLD not in str(caught.value)


def test_labels_give_independent_keys() -> None:
    keys = ClusterKeys.parse(f"0 ipv4 {OLD}")
    assert len(keys.derive("call id")) == 32
    assert keys.derive("call id") == keys.derive("call id")
    assert keys.derive("call id") != keys.derive("client secret")


def test_a_rotation_verifies_old_and_new_and_makes_new() -> None:
    before = ClusterKeys.parse(f"0 ipv4 {OLD}")
    after = ClusterKeys.parse(f"1 ipv4 {NEW}\n0 ipv4 {OLD}")
    old, new = before.derive("call id"), after.derive("call id")
    assert old != new
    assert after.derive_all("call id") == [new, old]


def test_configs_that_share_a_secret_are_one_key_to_try() -> None:
    keys = ClusterKeys.parse(ClusterKeys.generate(bytes(32)))
    assert keys.derive_all("call id") == [keys.derive("call id")]


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_arbitrary_text_raises_only_key_errors(text: str) -> None:
    try:
        keys = ClusterKeys.parse(text)
    except ClusterKeyError:
        return
    assert keys.configs
