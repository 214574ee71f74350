import re

from tests.deploy.k8s.values_page import PAGE, ROOT, page


def test_the_page_is_that_of_the_chart() -> None:
    """`python -m tests.deploy.k8s.values_page` makes it anew."""
    assert PAGE.read_text() == page()


def test_every_documented_example_is_there_and_every_example_documented() -> None:
    text = (ROOT / "docs/kubernetes.md").read_text()
    named = set(re.findall(r"deploy/k8s/examples/([a-z-]+\.yaml)", text))
    assert named == {path.name for path in (ROOT / "deploy/k8s/examples").glob("*.yaml")}
