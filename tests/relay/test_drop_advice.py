from relay.drop_advice import meanings, reasons
from relay.drop_reason import DropReason


def test_every_reason_has_advice_and_one_direction() -> None:
    assert sorted(reason.name for _, reason, _ in reasons()) == sorted(DropReason.__members__)


def test_every_reason_has_a_meaning() -> None:
    assert meanings().keys() == set(DropReason)
    assert meanings()[DropReason.UFRAG_MALFORMED] == "The ufrag is not canonical base64."
