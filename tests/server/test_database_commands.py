"""``taskyard db``: what is backed up, restored or copied is all of it."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from taskyard.cli.main import main
from taskyard.server.store.database import schema
from taskyard.server.store.database.transfer import address
from tests.beds import postgres
from tests.beds.server import Api, Running, running


def fill(api: Api) -> str:
    """One of everything that is kept; gives the task's id."""
    task: str = api("tasks.create", name="kept ü", type="testing")["id"]
    api("tasks.enqueue", task=task, queue_name="default")
    api("attempts.take", worker="w:1", queues=["default"], wait=0)
    api("attempts.finish", task=task, attempt=1, worker="w:1", outcome="completed")
    lines: list[dict[str, Any]] = [
        {"type": "training_stats_scalar", "task": task, "metric": "m", "variant": "v"}
        | {"iter": i, "value": i / 2, "timestamp": 1000 + i}
        for i in range(50)
    ]
    lines.append({"type": "log", "task": task, "msg": "printed ü", "timestamp": 1000})
    lines.append(
        {"type": "plot", "task": task, "metric": "p", "variant": "v", "iter": 0}
        | {"timestamp": 1000, "plot_str": '{"data": []}'}
    )
    api.batch("events.add_batch", lines)
    api("models.create", name="model", uri="file:///m", framework="x", task=task)
    api.send("PUT", "/files/some/artifact.bin", b"artifact")
    return task


def seen(api: Api, task: str) -> dict[str, Any]:
    """What a client sees of it."""
    return {
        "task": api("tasks.get_by_id", task=task)["task"],
        "attempts": api("attempts.get_all", task=task),
        "scalars": api("events.scalar_metrics_iter_histogram", task=task),
        "log": api("events.get_task_log", task=task)["events"],
        "plots": api("events.get_task_plots", task=task)["plots"],
        "models": api("models.get_all")["models"],
        "queues": api("queues.get_all")["queues"],
    }


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """A server that runs on SQLite, with one of everything."""
    with running(tmp_path_factory.mktemp("origin")) as server:
        yield server, fill(Api(server))


def folder_of(server: Running) -> str:
    return str(server.server.settings.folder)


@pytest.fixture(scope="module")
def backup(origin: tuple[Running, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the running server."""
    file = tmp_path_factory.mktemp("backup") / "all.tar"
    assert main(["db", "backup", str(file), "--data", folder_of(origin[0])]) == 0
    return file


def test_a_restored_server_shows_what_was_backed_up(
    origin: tuple[Running, str], backup: Path, tmp_path: Path
) -> None:
    first, task = origin
    assert main(["db", "restore", str(backup), "--data", str(tmp_path)]) == 0
    with running(tmp_path, like=first) as second:
        assert seen(Api(second), task) == seen(Api(first), task)
        assert Api(second).send("GET", "/files/some/artifact.bin").body == b"artifact"


def test_a_backup_is_readable_by_its_owner_only(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_files_can_be_left_out_of_a_backup(origin: tuple[Running, str], tmp_path: Path) -> None:
    file = tmp_path / "small.tar"
    main(["db", "backup", str(file), "--data", folder_of(origin[0]), "--no-files"])
    with tarfile.open(file) as archive:
        assert sorted(archive.getnames()) == ["taskyard.db", "telemetry.db"]


def test_a_backup_overwrites_nothing(
    origin: tuple[Running, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "precious"
    file.write_text("x")
    assert main(["db", "backup", str(file), "--data", folder_of(origin[0])]) == 1
    assert file.read_text() == "x"
    assert "is there already" in capsys.readouterr().err


def test_a_restore_overwrites_no_database(
    origin: tuple[Running, str], backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "restore", str(backup), "--data", folder_of(origin[0])]) == 1
    assert "there is a database" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../outside", "files/../../outside", "/etc/outside", "other"])
def test_an_archive_of_another_kind_is_refused_and_writes_nothing(
    tmp_path: Path, name: str
) -> None:
    file, data = tmp_path / "evil.tar", tmp_path / "data"
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    assert main(["db", "restore", str(file), "--data", str(data)]) == 1
    assert list(data.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_a_damaged_archive_is_refused_and_writes_nothing(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut, data = tmp_path / "cut.tar", tmp_path / "data"
    cut.write_bytes(backup.read_bytes()[:200_000])
    assert main(["db", "restore", str(cut), "--data", str(data)]) == 1
    assert list(data.iterdir()) == []
    assert str(cut) in capsys.readouterr().err


def test_a_backup_of_postgresql_names_the_tool_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://me:pass-word@db.example/yard"
    assert main(["db", "backup", str(tmp_path / "x"), "--database-url", url]) == 1
    told = capsys.readouterr().err
    assert "pg_dump --format=custom" in told
    assert "pass-word" not in told


def test_a_copy_in_postgresql_serves_the_same(
    origin: tuple[Running, str], postgres_cluster: str, tmp_path: Path
) -> None:
    first, task = origin
    url = postgres.fresh_database(postgres_cluster)
    assert main(["db", "copy", folder_of(first), url]) == 0
    with running(tmp_path, url, like=first) as second:
        assert seen(Api(second), task) == seen(Api(first), task)


def test_a_copy_in_postgresql_goes_on_numbering(
    origin: tuple[Running, str], postgres_cluster: str, tmp_path: Path
) -> None:
    first, task = origin
    url = postgres.fresh_database(postgres_cluster)
    main(["db", "copy", folder_of(first), url])
    with running(tmp_path, url, like=first) as second:
        line = {"type": "log", "task": task, "msg": "later", "timestamp": 2000}
        Api(second).batch("events.add_batch", [line])
        events = Api(second)("events.get_task_log", task=task)["events"]
    assert {event["msg"] for event in events} == {"printed ü", "later"}


def test_a_copy_comes_back_to_sqlite(
    origin: tuple[Running, str], postgres_cluster: str, tmp_path: Path
) -> None:
    first, task = origin
    url = postgres.fresh_database(postgres_cluster)
    main(["db", "copy", folder_of(first), url])
    assert main(["db", "copy", url, str(tmp_path / "back")]) == 0
    with running(tmp_path / "back", like=first) as second:
        assert seen(Api(second), task) == seen(Api(first), task)


def test_a_copy_overwrites_nothing(
    origin: tuple[Running, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path)
    assert main(["db", "copy", folder_of(origin[0]), target]) == 0
    assert main(["db", "copy", folder_of(origin[0]), target]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_a_copy_that_fails_keeps_nothing(
    origin: tuple[Running, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    where = address(str(target))
    target.mkdir()
    for part, url in (("control", where.control), ("telemetry", where.telemetry)):
        engine = create_engine(url)
        schema.upgrade(engine, part)
        with engine.begin() as connection:
            if part == "telemetry":
                connection.execute(
                    text(
                        "CREATE TRIGGER no BEFORE INSERT ON samples "
                        "BEGIN SELECT RAISE(ABORT, 'not here'); END"
                    )
                )
        engine.dispose()
    assert main(["db", "copy", folder_of(origin[0]), str(target)]) != 0
    assert "not here" in capsys.readouterr().err
    with create_engine(where.control).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM tasks")).scalar() == 0


def test_a_source_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "copy", str(tmp_path / "nothing"), str(tmp_path / "target")]) == 1
    assert not (tmp_path / "nothing").exists()
    assert "there is no database" in capsys.readouterr().err


def test_upgrade_brings_an_empty_database_to_this_version(
    postgres_cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.fresh_database(postgres_cluster)
    assert main(["db", "upgrade", "--database-url", url]) == 0
    assert main(["db", "upgrade", "--database-url", url]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [f"{part:<10} {version}" for part, version in schema.HEADS.items()]
    assert lines == [*(f"{line} (was empty)" for line in heads), *heads]


@pytest.mark.parametrize(
    "words", ["/data/yard", "sqlite:////data/yard", "sqlite:////data/yard/taskyard.db"]
)
def test_a_data_folder_has_several_names(words: str) -> None:
    assert address(words).folder == Path("/data/yard")
