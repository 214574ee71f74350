"""Who holds a key that several claim."""

from transceiver.claims import Claims


def claims() -> Claims[int, str]:
    return Claims()


def test_a_key_that_nobody_claims_has_no_holder() -> None:
    table = claims()
    assert table.first(1) is None
    assert table.holders(1) == []
    table.release(1, "a")


def test_a_mere_claim_does_not_take_over_a_proven_one() -> None:
    table = claims()
    table.claim(1, "owner", proven=True)
    table.claim(1, "stranger", proven=False)
    assert table.first(1) == "owner"
    assert table.holders(1) == ["owner", "stranger"]


def test_proof_takes_over() -> None:
    table = claims()
    table.claim(1, "first", proven=True)
    table.claim(1, "second", proven=False)
    table.claim(1, "second", proven=True)
    assert table.holders(1) == ["second", "first"]


def test_of_mere_claims_the_later_goes_first() -> None:
    table = claims()
    table.claim(1, "first", proven=False)
    table.claim(1, "second", proven=False)
    assert table.holders(1) == ["second", "first"]


def test_repeating_a_claim_changes_nothing() -> None:
    table = claims()
    table.claim(1, "first", proven=True)
    table.claim(1, "second", proven=True)
    table.claim(1, "first", proven=True)
    assert table.holders(1) == ["second", "first"]


def test_a_released_key_falls_to_the_next() -> None:
    table = claims()
    table.claim(1, "stranger", proven=False)
    table.claim(1, "owner", proven=True)
    table.release(1, "owner")
    assert table.first(1) == "stranger"
    table.release(1, "stranger")
    assert table.first(1) is None
