"""Uploads and downloads by path: the same on a folder and on S3."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from taskyard.client.http import Answer
from tests.beds import s3
from tests.beds.server import Api, Running, running

MIB = 1 << 20
BOUNDARY = "b0undary"


@dataclass
class Files:
    """A caller of the files server."""

    api: Api

    def put(self, path: str, data: bytes) -> Answer:
        return self.api.send("PUT", f"/files/{quote(path)}", data)

    def get(self, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.send("GET", f"/files/{quote(path)}", headers=named)

    def post(self, parts: dict[str, bytes], *, end: bool = True) -> Answer:
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self.api.send("POST", "/files/", form(parts, end=end), kind)

    def delete(self, path: str) -> Answer:
        return self.api.send("DELETE", f"/files/{quote(path)}")

    def delete_many(self, *paths: str) -> Any:
        body = msgspec.json.encode({"files": list(paths)})
        return msgspec.json.decode(self.api.send("POST", "/files/delete_many", body).body)

    @property
    def listed(self) -> list[str]:
        async def walk() -> list[str]:
            return sorted([path async for path in self.api.running.server.blobs.list("")])

        found: list[str] = self.api.running.await_(walk())
        return found


def form(parts: dict[str, bytes], *, end: bool = True) -> bytes:
    pieces = []
    for name, data in parts.items():
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        pieces += [head.encode(), data, b"\r\n"]
    return b"".join(pieces) + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def noise(size: int) -> bytes:
    """Bytes in which every place differs from its neighbours."""
    pattern = b"".join(i.to_bytes(4, "big") for i in range(64 * 1024))
    return (pattern * (size // len(pattern) + 1))[:size]


@pytest.fixture(scope="module", params=["folder", "s3"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    options: dict[str, Any] = {}
    if request.param == "s3":
        store: s3.Store = request.getfixturevalue("s3_store")
        options = store.settings("some/where")
    with running(tmp_path_factory.mktemp("data"), **options) as found:
        yield found


@pytest.fixture
def files(host: Running) -> Files:
    return Files(Api(host))


@pytest.fixture
def unfinished(host: Running, request: pytest.FixtureRequest) -> Callable[[], int]:
    """How many uploads are begun and neither finished nor cleared away."""
    if not host.server.settings.files:
        return lambda: len(list((host.server.settings.folder / "files/incoming").iterdir()))
    client = request.getfixturevalue("s3_store").client()
    return lambda: len(client.list_multipart_uploads(Bucket=s3.BUCKET).get("Uploads", []))


@pytest.mark.parametrize(
    "path",
    ["project/name.1f/artifacts/x/data.csv", "a b/ä ö/🙂.txt", "100%/50%25.bin", "a+b&c=d/e.txt"],
)
def test_a_form_keeps_a_file_under_the_parts_name(files: Files, path: str) -> None:
    answer = files.post({path: b"content of " + path.encode()})
    assert answer.status == 200
    assert files.get(path).body == b"content of " + path.encode()


def test_all_files_of_a_form_are_kept(files: Files) -> None:
    parts = {f"form/{i}": noise(1000 * i) for i in range(12)}
    assert msgspec.json.decode(files.post(parts).body) == list(parts)
    assert [files.get(path).body for path in parts] == list(parts.values())


def test_a_body_is_kept_under_the_path_of_its_url(files: Files) -> None:
    assert files.put("put/model.pt", b"weights").status == 200
    assert files.get("put/model.pt").body == b"weights"


def test_an_empty_file_is_a_file(files: Files) -> None:
    files.put("put/empty", b"")
    answer = files.get("put/empty")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("size", [16 * MIB, 40 * MIB + 1])
def test_a_large_file_comes_back_byte_for_byte(files: Files, size: int) -> None:
    data = noise(size)
    files.put("large/body", data)
    files.post({"large/form": data})
    assert files.get("large/body").body == data
    assert files.get("large/form").body == data


def test_a_file_that_is_there_is_replaced(files: Files) -> None:
    files.put("put/twice", b"the first, longer content")
    files.put("put/twice", b"second")
    assert files.get("put/twice").body == b"second"


def test_the_kind_follows_from_the_name(files: Files) -> None:
    files.put("kinds/plot.png", b"\x89PNG")
    files.put("kinds/archive.tar.gz", b"\x1f\x8b")
    assert files.get("kinds/plot.png").headers["content-type"] == "image/png"
    assert files.get("kinds/archive.tar.gz").headers["content-type"] == "application/octet-stream"


def test_head_tells_the_size_without_the_content(files: Files) -> None:
    files.put("head/file", noise(5000))
    answer = files.api.send("HEAD", "/files/head/file")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5000", b"")


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=299000-", 299_000, 300_000),
        ("bytes=-10", 299_990, 300_000),
        ("bytes=299999-900000", 299_999, 300_000),
    ],
)
def test_a_range_of_a_file_is_that_range(files: Files, wanted: str, start: int, end: int) -> None:
    data = noise(300_000)
    files.put("ranges/file", data)
    answer = files.get("ranges/file", range=wanted)
    assert answer.status == 206
    assert answer.body == data[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/300000"


def test_a_range_outside_the_file_is_refused(files: Files) -> None:
    files.put("ranges/short", b"12345")
    answer = files.get("ranges/short", range="bytes=5-")
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */5")


def test_a_file_the_caller_has_already_is_not_sent_again(files: Files) -> None:
    files.put("etag/file", b"12345")
    tag = files.get("etag/file").headers["etag"]
    assert files.get("etag/file", if_none_match=tag).status == 304


def test_what_is_not_there_is_not_found(files: Files) -> None:
    assert files.get("no/such/file").status == 404
    assert files.delete("no/such/file").status == 404


def test_a_deleted_file_is_gone(files: Files) -> None:
    files.put("gone/file", b"x")
    assert files.delete("gone/file").status == 200
    assert files.get("gone/file").status == 404


def test_deleting_a_folder_takes_all_in_it_and_nothing_beside_it(files: Files) -> None:
    for path in ("task.1/a", "task.1/deep/b", "task.10/c"):
        files.put(path, b"x")
    answer = files.delete_many("task.1", "task.1/never")
    assert answer["deleted"] == {"task.1": "task.1"}
    assert answer["errors"] == {"Not found": ["task.1/never"]}
    assert [path for path in files.listed if path.startswith("task.1")] == ["task.10/c"]


def test_the_list_holds_every_file_by_its_path(files: Files) -> None:
    for path in ("listed/a", "listed/b c/ä"):
        files.put(path, b"x")
    assert {"listed/a", "listed/b c/ä"} <= set(files.listed)


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "a/../../outside",
        "a/./b",
        "a//b",
        "line\nbreak",
        "n" * 300,
        "/".join(["long"] * 1000),
    ],
)
def test_a_path_that_could_lead_astray_is_refused(files: Files, path: str) -> None:
    assert files.put(path, b"x").status == 400


@pytest.mark.parametrize("path", ["/files/%2e%2e/taskyard.db", "/files/..%2ftaskyard.db"])
def test_nothing_outside_can_be_read(files: Files, path: str) -> None:
    assert files.api.send("GET", path).status == 404


def test_strangers_get_nothing(files: Files) -> None:
    files.put("secret/file", b"x")
    answer = files.api.http.request("GET", "/files/secret/file", b"", {})
    assert answer.status == 401


def test_a_form_that_was_cut_off_leaves_nothing(
    files: Files, unfinished: Callable[[], int]
) -> None:
    parts = {"half/small": b"whole", "half/large": noise(20 * MIB)}
    assert files.post(parts, end=False).status == 400
    assert not [path for path in files.listed if path.startswith("half/")]
    assert unfinished() == 0


def test_an_upload_whose_client_went_away_leaves_nothing(
    host: Running, files: Files, unfinished: Callable[[], int]
) -> None:
    address = re.fullmatch(r"http://(.+):(\d+)", host.url)
    assert address is not None
    head = (
        f"PUT /files/half/cut HTTP/1.1\r\nHost: {address[1]}\r\nContent-Length: {60 * MIB}\r\n"
        f"{authorization(files)}\r\n\r\n"
    )
    with socket.create_connection((address[1], int(address[2]))) as connection:
        connection.sendall(head.encode() + noise(20 * MIB))
        until(lambda: unfinished() == 1)
    until(lambda: unfinished() == 0)
    assert files.get("half/cut").status == 404


def test_a_file_above_the_limit_is_refused(host: Running, files: Files) -> None:
    host.server.settings.max_upload = 1000
    try:
        assert files.put("limit/exact", noise(1000)).status == 200
        assert files.put("limit/over", noise(1001)).status == 413
        assert files.post({"limit/form": noise(1001)}).status == 413
    finally:
        host.server.settings.max_upload = 0
    assert [path for path in files.listed if path.startswith("limit/")] == ["limit/exact"]


def authorization(files: Files) -> str:
    token = files.api("auth.login")["token"]
    return f"Authorization: Bearer {token}"


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not held():
        assert time.monotonic() < deadline
        time.sleep(0.02)
