"""The files server, over real connections."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import pytest

from taskyard.client.http import Answer, ServerUnreachable
from taskyard.server.services.files import wanted_range
from taskyard.server.uploads import part_name
from tests.beds.server import Api, Running, running

BOUNDARY = "----of-the-form"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("data"), max_upload=3 << 20) as found:
        yield found


@pytest.fixture
def api(server: Running) -> Api:
    return Api(server)


def form(*files: tuple[str, bytes], end: bool = True) -> bytes:
    body = b""
    for name, data in files:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n'
        body += head.encode() + b"Content-Type: text/plain\r\n\r\n" + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode() if end else body


def upload(api: Api, *files: tuple[str, bytes], mount: str = "/files/") -> Answer:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return api.send("POST", mount, form(*files), {"Content-Type": kind})


def text(answer: Answer) -> object:
    return msgspec.json.decode(answer.body)


def stored(server: Running) -> Path:
    return Path(server.server.settings.folder) / "files"


def nothing_is_coming_in(server: Running) -> bool:
    return not list((stored(server) / "incoming").iterdir())


def test_an_upload_can_be_downloaded(api: Api) -> None:
    answer = upload(api, ("/project/task.id/artifacts/a.txt", b"hello"))

    assert answer.status == 200
    assert text(answer) == ["/project/task.id/artifacts/a.txt"]
    assert api.send("GET", "/files/project/task.id/artifacts/a.txt").body == b"hello"


def test_an_upload_goes_to_the_mount_without_a_slash_as_well(api: Api) -> None:
    assert upload(api, ("/slashless.txt", b"x"), mount="/files").status == 200


def test_several_files_come_in_one_form(api: Api) -> None:
    upload(api, ("/several/a", b"1"), ("/several/b", b"2"))

    assert api.send("GET", "/files/several/a").body == b"1"
    assert api.send("GET", "/files/several/b").body == b"2"


def test_an_upload_replaces_the_file_that_was_there(api: Api) -> None:
    upload(api, ("/again", b"a long first version"))
    upload(api, ("/again", b"second"))

    assert api.send("GET", "/files/again").body == b"second"


def test_a_part_name_is_taken_verbatim_and_a_url_decoded_once(api: Api) -> None:
    name = "/%C3%BC %25/a b.txt"
    upload(api, (name, b"odd"))

    assert api.send("GET", "/files" + quote(name)).body == b"odd"


def test_names_need_not_be_ascii(api: Api) -> None:
    upload(api, ("/ü/日本.txt", b"odd"))

    assert api.send("GET", "/files" + quote("/ü/日本.txt")).body == b"odd"


def test_an_empty_file_is_a_file(api: Api) -> None:
    upload(api, ("/empty", b""))

    answer = api.send("GET", "/files/empty")
    assert (answer.status, answer.body) == (200, b"")


def test_bytes_that_look_like_a_form_are_kept(api: Api) -> None:
    data = f"\r\n--{BOUNDARY[:-1]}\r\n\r\n--".encode() * 3
    upload(api, ("/tricky", data))

    assert api.send("GET", "/files/tricky").body == data


def test_a_body_can_be_put_to_its_path(api: Api) -> None:
    answer = api.send("PUT", "/files/put/here.bin", b"bytes")

    assert answer.status == 200
    assert api.send("GET", "/files/put/here.bin").body == b"bytes"


def test_the_kind_of_a_file_follows_its_name(api: Api) -> None:
    upload(api, ("/picture.png", b"png"))

    assert api.send("GET", "/files/picture.png").headers["content-type"] == "image/png"


def test_a_page_that_was_uploaded_is_kept_in_a_sandbox(api: Api) -> None:
    upload(api, ("/report.html", b"<script>"))

    headers = api.send("GET", "/files/report.html").headers
    assert "sandbox" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_download_can_be_an_attachment(api: Api) -> None:
    upload(api, ("/report.html", b"x"))

    headers = api.send("GET", "/files/report.html?download").headers
    assert headers["content-disposition"].startswith('attachment; filename="report.html"')


def test_a_file_can_be_looked_for(api: Api) -> None:
    upload(api, ("/there", b"12345"))

    found = api.send("HEAD", "/files/there")
    assert (found.status, found.headers["content-length"], found.body) == (200, "5", b"")
    assert api.send("HEAD", "/files/not/there").status == 404


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_part_of_a_file_can_be_asked_for(api: Api, asked: str, status: int, body: bytes) -> None:
    upload(api, ("/digits", b"0123456789"))

    answer = api.send("GET", "/files/digits", headers={"Range": asked})

    assert (answer.status, answer.body) == (status, body)


def test_a_range_says_what_it_is_part_of(api: Api) -> None:
    upload(api, ("/digits", b"0123456789"))

    headers = api.send("GET", "/files/digits", headers={"Range": "bytes=2-4"}).headers

    assert headers["content-range"] == "bytes 2-4/10"


def test_part_of_a_file_that_has_changed_is_the_whole_file(api: Api) -> None:
    upload(api, ("/digits", b"0123456789"))
    headers = {"Range": "bytes=2-4", "If-Range": '"another"'}

    assert api.send("GET", "/files/digits", headers=headers).status == 200


def test_an_unchanged_file_is_not_sent_again(api: Api) -> None:
    upload(api, ("/same", b"x"))
    tag = api.send("GET", "/files/same").headers["etag"]

    assert api.send("GET", "/files/same", headers={"If-None-Match": tag}).status == 304


def test_a_file_can_be_deleted(api: Api) -> None:
    upload(api, ("/gone/a", b"x"))

    assert api.send("DELETE", "/files/gone/a").status == 200
    assert api.send("GET", "/files/gone/a").status == 404
    assert api.send("DELETE", "/files/gone/a").status == 404


def test_many_files_and_folders_can_be_deleted_at_once(api: Api) -> None:
    upload(api, ("/many/a b", b"x"), ("/many/deep/er/c", b"x"), ("/many/d", b"x"))
    body = msgspec.json.encode({"files": ["/many/a%20b", "/many/deep", "/many/none"]})

    answer = api.send("POST", "/files/delete_many", body, {"Content-Type": "application/json"})

    assert text(answer) == {
        "deleted": {"/many/a%20b": "/many/a b", "/many/deep": "/many/deep"},
        "errors": {"Not found": ["/many/none"]},
    }
    assert api.send("GET", "/files/many/d").status == 200
    assert api.send("GET", "/files/many/deep/er/c").status == 404


def test_the_root_is_not_deleted(server: Running, api: Api) -> None:
    upload(api, ("/rooted", b"x"))
    body = msgspec.json.encode({"files": ["", "/", ".", "//"]})

    api.send("POST", "/files/delete_many", body)

    assert api.send("GET", "/files/rooted").status == 200


@pytest.mark.parametrize(
    "name",
    [
        "/../escaped",
        "/a/../../escaped",
        "/..",
        "/a//b",
        "/a/./b",
        "/",
        "/folder/",
        "/line\tbreak",
        "/" + "x" * 300,
        "/" + "x/" * 3000 + "y",
    ],
)
def test_a_path_that_is_none_is_refused(server: Running, api: Api, name: str) -> None:
    assert upload(api, (name, b"x")).status == 400
    assert nothing_is_coming_in(server)


@pytest.mark.parametrize(
    "path", ["/files/../taskyard.db", "/files/%2e%2e/%2e%2e/taskyard.db", "/files/..%2ftaskyard.db"]
)
def test_nothing_outside_the_store_is_served(api: Api, path: str) -> None:
    answer = api.send("GET", path)

    assert b"SQLite" not in answer.body


def test_a_folder_cannot_take_the_place_of_a_file(api: Api) -> None:
    upload(api, ("/file", b"x"))

    assert upload(api, ("/file/inside", b"x")).status == 400
    assert api.send("GET", "/files/file").body == b"x"


def test_a_part_without_a_name_is_refused(api: Api) -> None:
    body = f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"

    assert api.send("POST", "/files/", body, {"Content-Type": kind}).status == 400


def test_what_is_no_form_is_refused(api: Api) -> None:
    answer = api.send("POST", "/files/", b"{}", {"Content-Type": "application/json"})

    assert answer.status == 400


def test_a_form_without_its_end_leaves_nothing(server: Running, api: Api) -> None:
    body = form(("/cut/whole", b"x" * 5000), ("/cut/half", b"x" * 5000), end=False)
    kind = f"multipart/form-data; boundary={BOUNDARY}"

    assert api.send("POST", "/files/", body, {"Content-Type": kind}).status == 400
    assert api.send("GET", "/files/cut/whole").status == 404
    assert nothing_is_coming_in(server)


def test_a_client_that_goes_away_leaves_nothing(server: Running, api: Api) -> None:
    where = urlsplit(server.url)
    keys = base64.b64encode(":".join(api.keys).encode()).decode()
    head = f"PUT /files/left/half HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {keys}\r\n"
    begun = threading.Event()
    with socket.create_connection((where.hostname, where.port)) as link:
        link.sendall(head.encode() + b"Content-Length: 2500000\r\n\r\n" + b"x" * 2_000_000)
        wait_until(lambda: not nothing_is_coming_in(server), begun)
    wait_until(lambda: nothing_is_coming_in(server), begun)

    assert api.send("GET", "/files/left/half").status == 404


def wait_until(true: object, pause: threading.Event) -> None:
    assert callable(true)
    for _ in range(1000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen within ten seconds")


def test_a_file_over_the_limit_is_refused(server: Running, api: Api) -> None:
    too_much = b"x" * ((3 << 20) + 1)

    # The answer may be lost when the server hangs up on what it will not read.
    with contextlib.suppress(ServerUnreachable):
        assert upload(api, ("/big/form", too_much)).status == 413
    with contextlib.suppress(ServerUnreachable):
        assert api.send("PUT", "/files/big/put", too_much).status == 413
    assert api.send("HEAD", "/files/big/form").status == 404
    assert api.send("HEAD", "/files/big/put").status == 404
    assert nothing_is_coming_in(server)


def test_a_stranger_gets_and_leaves_nothing(api: Api) -> None:
    upload(api, ("/secret", b"x"))

    for method in ("GET", "HEAD", "DELETE", "PUT"):
        assert api.http.request(method, "/files/secret", b"", {}).status == 401
    assert api.send("GET", "/files/secret").body == b"x"


def test_a_browser_may_use_its_cookie(api: Api) -> None:
    upload(api, ("/seen", b"x"))
    token = api("auth.login")["token"]

    answer = api.http.request("GET", "/files/seen", b"", {"Cookie": f"clearml_token_basic={token}"})

    assert answer.body == b"x"


def test_anyone_may_ask_whether_it_is_there(api: Api) -> None:
    answer = api.http.request("GET", "/files/", b"", {})

    assert (answer.status, answer.body) == (200, b"OK")


def test_halves_of_a_server_that_was_killed_are_dropped(tmp_path: Path) -> None:
    half = tmp_path / "files" / "incoming" / "half"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"x")

    with running(tmp_path):
        assert not half.exists()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b'form-data; name="/a b"; filename="x"', "/a b"),
        (b"form-data; name=plain; filename=x", "plain"),
        (b'form-data; filename="x"; name="second"', "second"),
        (rb'form-data; name="a\"b\\c"', 'a"b\\c'),
        (b'form-data; name="%2F%25"', "%2F%25"),
    ],
)
def test_part_names_as_clients_write_them(header: bytes, expected: str) -> None:
    assert part_name(header) == expected


def test_a_range_before_its_start_is_nonsense() -> None:
    assert wanted_range("bytes=5-2", 10) is None
