import re

from tests.transceiver.signaling.conftest import Client

REFERENCE = re.compile(r"""(?:src|href)="(/[^"]*)"|from "\./([^"]+)";""")


async def test_the_page_and_all_it_refers_to_are_served(client: Client) -> None:
    seen, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        response = await client.get(path)
        assert response.status == 200, path
        text = await response.text()
        waiting += [url or f"/playground/{module}" for url, module in REFERENCE.findall(text)]
    assert {"/playground/playground.css", "/playground/call.js"} <= seen


async def test_runs_nothing_but_its_own_files(client: Client) -> None:
    response = await client.get("/")
    assert response.content_type == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    page = await response.text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)
    assert "//" not in page.replace("https://", "")


async def test_serves_no_other_file(client: Client) -> None:
    for path in ("/playground/", "/playground/../http.py", "/playground/%2e%2e/http.py"):
        assert (await client.get(path)).status == 404
