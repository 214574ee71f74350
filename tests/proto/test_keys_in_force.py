import pytest

from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.keys_in_force import LABELS, KeyInForce, KeyUse, keys_in_force

OLD, NEW = "00" * 32, "11" * 32
ROTATING = ClusterKeys.parse(f"3 ipv4 {NEW}\n0 ipv4 {OLD}\n1 ipv6 {OLD}\n4 ipv6 {NEW}\n")


def test_the_first_line_of_a_layout_mints_and_the_others_read() -> None:
    assert [(key.config_id, key.layout, key.use) for key in keys_in_force(ROTATING)] == [
        (3, Layout.IPV4, KeyUse.MINT),
        (0, Layout.IPV4, KeyUse.READ),
        (1, Layout.IPV6, KeyUse.MINT),
        (4, Layout.IPV6, KeyUse.READ),
    ]


def test_a_fingerprint_tells_secrets_apart_and_layouts_not() -> None:
    new, old, old_ipv6, _ = (key.fingerprint for key in keys_in_force(ROTATING))
    assert new != old == old_ipv6
    assert not any(OLD[:8] in each or NEW[:8] in each for each in (old, new))


def test_labels_come_back_as_they_went() -> None:
    for key in keys_in_force(ROTATING):
        assert KeyInForce.from_labels(dict(zip(LABELS, key.labels(), strict=True))) == key


@pytest.mark.parametrize("changed", [{"use": "sing"}, {"layout": "ipv5"}, {"config_id": "one"}])
def test_labels_of_something_else_are_refused(changed: dict[str, str]) -> None:
    labels = dict(zip(LABELS, next(keys_in_force(ROTATING)).labels(), strict=True))
    with pytest.raises(ValueError, match=next(iter(changed.values()))):
        KeyInForce.from_labels(labels | changed)
