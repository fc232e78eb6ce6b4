"""What only a bucket can do wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from taskyard.api.errors import TaskyardError
from taskyard.server.store.blobs.s3 import Place
from tests.beds import s3
from tests.beds.postgres import free_port
from tests.beds.server import Api, Running, running


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose store of files is not there."""
    nobody = s3.Store(f"http://127.0.0.1:{free_port()}")
    with running(tmp_path_factory.mktemp("data"), **nobody.settings("x")) as found:
        yield found


def test_a_store_that_is_away_is_named_in_the_answer(cut_off: Running) -> None:
    answer = Api(cut_off).send("PUT", "/files/a", b"x")
    assert answer.status == 503
    assert "bucket files" in msgspec.json.decode(answer.body)["message"]


def test_a_store_that_is_away_does_not_keep_tasks_from_being_served(cut_off: Running) -> None:
    assert Api(cut_off)("queues.get_all")["queues"]


def test_a_missing_bucket_is_told_at_the_start(
    s3_store: s3.Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = s3_store.settings("x") | {"files": "s3://no-such-bucket/x"}
    with caplog.at_level(logging.WARNING), running(tmp_path, **options):
        pass
    assert "there is no bucket no-such-bucket" in caplog.text


def test_the_secret_key_is_in_no_answer(s3_store: s3.Store, tmp_path: Path) -> None:
    options = s3_store.settings("x") | {"s3_secret_key": "wrong-secret-key"}
    with running(tmp_path, **options) as server:
        answer = Api(server).send("PUT", "/files/a", b"x")
    assert answer.status == 503
    assert b"wrong-secret-key" not in answer.body


def test_a_path_longer_than_a_name_in_a_bucket_is_refused(
    s3_store: s3.Store, tmp_path: Path
) -> None:
    with running(tmp_path, **s3_store.settings("x")) as server:
        answer = Api(server).send("PUT", "/files/" + "/".join(["long"] * 300), b"x")
    assert answer.status == 400


def test_servers_with_prefixes_of_their_own_do_not_meet(s3_store: s3.Store, tmp_path: Path) -> None:
    with running(tmp_path / "a", **s3_store.settings("one")) as server:
        Api(server).send("PUT", "/files/a", b"x")
    with running(tmp_path / "b", **s3_store.settings("on")) as server:
        assert Api(server).send("GET", "/files/a").status == 404


def test_another_scheme_is_refused() -> None:
    with pytest.raises(TaskyardError, match="names no bucket"):
        Place.at("s3:///prefix")
