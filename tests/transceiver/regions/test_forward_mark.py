import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from transceiver.regions.forward_mark import (
    MAX_CHARS,
    ForwardMark,
    ForwardMarkError,
    ForwardMarks,
)
from transceiver.signaling.sealed_token import SealedTokens

KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
ROTATED = ClusterKeys.parse(f"1 ipv4 {'b2' * 32}\n0 ipv4 {'a1' * 32}")
FOREIGN = ClusterKeys.parse(f"0 ipv4 {'c3' * 32}")
MARK = ForwardMark("europe", HostPort("2001:db8::7", 3478))
NONCE = bytes(12)


@pytest.mark.parametrize("mark", [MARK, ForwardMark("europe", None), ForwardMark(None, None)])
def test_a_mark_is_read_as_it_was_made(mark: ForwardMark) -> None:
    assert ForwardMarks(KEYS).open(ForwardMarks(KEYS).seal(mark, NONCE)) == mark


def test_it_survives_a_rotation_of_the_keys() -> None:
    marks = ForwardMarks(KEYS)
    sealed = marks.seal(MARK, NONCE)
    marks.use_keys(ROTATED)
    assert marks.open(sealed) == MARK


def test_nobody_else_makes_one() -> None:
    for text in (
        "",
        "europe",
        "fwd_" + "A" * MAX_CHARS,
        ForwardMarks(FOREIGN).seal(MARK, NONCE),
        SealedTokens("fwd_", KEYS.derive_all("client secret")).seal(b"\x92\xc0\xc0", NONCE),
    ):
        with pytest.raises(ForwardMarkError):
            ForwardMarks(KEYS).open(text)


@pytest.mark.parametrize("content", [b"", b"\x92\x01\xc0", b"\x92\xc0\xa1:", b"\x92\xc0\xa30:0"])
def test_contents_that_are_no_mark_are_refused(content: bytes) -> None:
    text = SealedTokens("fwd_", KEYS.derive_all("forwarded request")).seal(content, NONCE)
    with pytest.raises(ForwardMarkError):
        ForwardMarks(KEYS).open(text)
