"""The vectors that the wire pages show are those that the codecs are held to."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/wire"
VECTORS = ROOT / "tests/vectors"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def test_short_ufrag_on_its_page() -> None:
    page = (PAGES / "ufrag.md").read_text()
    vector = vectors("ufrag.json")["short"][0]
    for field in ("random", "clear", "encrypted", "ufrag", "password"):
        assert f"`{vector[field]}`" in page, field
    assert vectors("ufrag.json")["derived"]["ufrag cipher short"]["key"] in page


@pytest.mark.parametrize("address", ["192.0.2.10", "2001:db8::a"])
def test_ufrag_page(address: str) -> None:
    page = (PAGES / "ufrag.md").read_text().replace("` `", "")
    (vector,) = (v for v in vectors("ufrag.json")["ufrags"] if v["owner"]["address"] == address)
    for field in ("random", "clear", "encrypted", "ufrag", "password"):
        assert f"`{vector[field]}`" in page, field
    layout = "ipv6" if ":" in address else "ipv4"
    assert vectors("ufrag.json")["derived"][f"ufrag cipher {layout}"]["key"] in page
    assert vectors("ufrag.json")["key_file"] in page


@pytest.mark.parametrize(
    "name",
    [
        "one DATA frame",
        "BIND before DATA",
        "HELLO with two siblings",
        "LEASE of a port that a phone was found at",
        "PORT_DATA",
        "TO_OWNER",
        "FROM_OWNER",
    ],
)
def test_tunnel_page(name: str) -> None:
    page = (PAGES / "tunnel.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    shown = {re.sub(r"   .*|\s", "", block) for block in blocks}
    (vector,) = (v for v in vectors("tunnel.json")["datagrams"] if v["name"] == name)
    assert vector["datagram"] in shown
    for key in vectors("tunnel.json")["derived"].values():
        assert key in page


def test_every_page_is_in_the_index() -> None:
    index = (PAGES / "README.md").read_text()
    for page in PAGES.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index
