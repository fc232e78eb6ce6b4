"""The files of the page as the server gives them out: for browsers, proxies and bare checkouts."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.client.http import Connection
from taskyard.server import assets, pages
from tests.beds.server import Running, running


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of the built page, empty to begin with."""
    folder = tmp_path / "ui"
    (folder / "assets").mkdir(parents=True)
    monkeypatch.setattr(assets, "BUILT", folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    assets.assets.cache_clear()
    pages._shell.cache_clear()


@pytest.fixture
def server(tmp_path: Path, built: Path) -> Iterator[Running]:
    with running(tmp_path / "data") as found:
        yield found


def write_page(folder: Path) -> None:
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><base href="/" /><p>the page</p></html>'
    )
    (folder / "assets" / "app-1a2b3c.js").write_text("console.log('the page')\n" * 100)
    (folder / "assets" / "font.woff2").write_bytes(b"\0font")


def test_a_checkout_without_a_built_page_says_how_to_build_it(server: Running) -> None:
    answer = Connection(server.url).request("GET", "/queues")
    assert answer.status == 200
    assert b"scripts/setup" in answer.body


def test_every_address_of_the_page_gives_the_same_page(server: Running, built: Path) -> None:
    write_page(built)
    connection = Connection(server.url)
    bodies = {connection.request("GET", path).body for path in ("/", "/tasks/x", "/a/b/c")}
    (body,) = bodies
    assert body.endswith(b'<base href="/" /><p>the page</p></html>')


def test_the_page_may_load_and_send_nothing_elsewhere(server: Running, built: Path) -> None:
    write_page(built)
    policy = Connection(server.url).request("GET", "/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_browsers_keep_what_has_its_content_in_its_name(server: Running, built: Path) -> None:
    write_page(built)
    connection = Connection(server.url)
    assert (
        "immutable" in connection.request("GET", "/assets/app-1a2b3c.js").headers["cache-control"]
    )
    assert connection.request("GET", "/").headers["cache-control"] == "no-cache"


def test_what_shrinks_is_sent_small_to_those_who_take_it(server: Running, built: Path) -> None:
    write_page(built)
    connection = Connection(server.url)
    small = connection.request(
        "GET", "/assets/app-1a2b3c.js", headers={"Accept-Encoding": "gzip, br"}
    )
    plain = connection.request("GET", "/assets/app-1a2b3c.js")
    assert gzip.decompress(small.body) == plain.body
    assert len(small.body) < len(plain.body)


def test_a_font_is_called_a_font_on_every_machine(server: Running, built: Path) -> None:
    write_page(built)
    headers = Connection(server.url).request("GET", "/assets/font.woff2").headers
    assert headers["content-type"] == "font/woff2"


def test_a_file_that_is_not_there_is_not_the_page(server: Running, built: Path) -> None:
    write_page(built)
    assert Connection(server.url).request("GET", "/assets/old-build.js").status == 404


def test_no_path_leads_out_of_the_page(server: Running, built: Path) -> None:
    write_page(built)
    for path in ("/assets/../../data/taskyard.db", "/assets/%2e%2e/%2e%2e/data/taskyard.db"):
        assert b"SQLite" not in Connection(server.url).request("GET", path).body


def test_behind_a_proxy_the_page_knows_where_it_lies(tmp_path: Path, built: Path) -> None:
    write_page(built)
    with running(tmp_path / "data", public_url="https://lab.example/taskyard/") as server:
        # The proxy takes its prefix off.
        answer = Connection(f"http://127.0.0.1:{server.server.settings.port}").request("GET", "/")
    assert b'<base href="/taskyard/"' in answer.body


def test_the_page_says_whether_the_browser_has_a_session(server: Running, built: Path) -> None:
    write_page(built)
    connection = Connection(server.url)
    assert b"<html data-session " in connection.request("GET", "/").body
    stranger = connection.request("GET", "/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert b"<html lang" in stranger.body


def cookie_of(server: Running, **headers: str) -> str | None:
    connection = Connection(f"http://127.0.0.1:{server.server.settings.port}")
    return connection.request("GET", "/", headers=headers).headers.get("set-cookie")


def test_who_started_the_server_is_let_in_without_being_asked(server: Running) -> None:
    assert cookie_of(server)


def test_nobody_is_let_in_for_coming_through_a_proxy_of_this_machine(server: Running) -> None:
    assert cookie_of(server, **{"X-Forwarded-For": "203.0.113.7"}) is None


def test_a_server_with_a_public_address_lets_nobody_in_unasked(tmp_path: Path) -> None:
    with running(tmp_path / "data", public_url="https://lab.example") as server:
        assert cookie_of(server) is None


def test_the_built_page_keeps_its_budget() -> None:
    """Kilobytes in gzip: of all code, and of what the first page must load."""
    forget()
    found = assets.assets()
    sizes = {name: len(asset.zipped) for name, asset in found.items() if asset.zipped is not None}
    index = found["index.html"].content.decode()
    first = sum(size for name, size in sizes.items() if name.endswith(".js") and name in index)
    assert first <= 60_000
    assert sum(sizes.values()) <= 230_000
