from tests.loadtest.scenario_page import PAGE, TABLES, VALUES, page, structs, undocumented


def test_the_page_is_that_of_the_code() -> None:
    """`python -m tests.loadtest.scenario_page` makes it anew."""
    assert PAGE.read_text() == page()


def test_every_member_says_what_it_is() -> None:
    assert undocumented() == []


def test_the_page_has_all_that_a_scenario_is_made_of() -> None:
    assert {each for _, each in (*TABLES, *VALUES)} == structs()
