"""A whole installation in one file: both SQLite databases, the files and the first key pair.

The archive is a tar file that any tool can read. The server may go on working while it is made:
the control database is taken first, so that what else is in the archive is never older than it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from taskyard.api.errors import ApiError, TaskyardError
from taskyard.server.store.blobs import checked
from taskyard.server.store.database import schema
from taskyard.server.store.database.transfer import CONTROL_FILE, TELEMETRY_FILE

DATABASES = {"control": CONTROL_FILE, "telemetry": TELEMETRY_FILE}
KEPT = (*DATABASES.values(), "client.toml")
"""What is taken from the data folder itself."""

FILES = "files"
"""The folder of uploaded files, in the archive."""

PAGES = 4096
"""Pages copied before the server's own writes get their turn."""

Told = Callable[[str], None]


def backup(folder: Path, files: Path | None, into: Path, told: Told) -> int:
    """Write the data ``folder``, and the uploaded ``files`` if given, to the file ``into``.

    Gives its size in bytes. It is readable by its owner only: it holds keys. Raises
    TaskyardError when there is no database or the file is there already.
    """
    if not (folder / CONTROL_FILE).is_file():
        raise TaskyardError(f"there is no database in {folder}", hint="Name the folder: --data.")
    if into.exists():
        raise TaskyardError(
            f"{into} is there already", hint="Name another; nothing is overwritten."
        )
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=into.parent) as aside:
        whole = Path(aside) / "whole.tar"
        with open(os.open(whole, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as archive:
                for name in KEPT:
                    if (folder / name).is_file():
                        told(name)
                        _add(archive, folder / name, name, Path(aside))
                if files is not None:
                    told(FILES)
                    _add_files(archive, files)
            out.flush()
            os.fsync(out.fileno())
        os.rename(whole, into)
    return into.stat().st_size


def _add(archive: tarfile.TarFile, source: Path, name: str, aside: Path) -> None:
    if name in DATABASES.values():
        copied = aside / name
        _copy_database(source, copied)
        archive.add(copied, name)
        copied.unlink()
    else:
        archive.add(source, name)


def _copy_database(source: Path, target: Path) -> None:
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.execute("PRAGMA busy_timeout=30000")
        # Within one read transaction all pages are of one state, whatever is written meanwhile.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=PAGES)
    except sqlite3.Error as error:
        raise TaskyardError(f"cannot copy {source}: {error}") from error
    finally:
        reading.close()
        writing.close()


def _add_files(archive: tarfile.TarFile, root: Path) -> None:
    for path in sorted(root.rglob("*")):
        try:
            if path.is_file() and not path.is_symlink():
                archive.add(path, f"{FILES}/{path.relative_to(root).as_posix()}")
        except FileNotFoundError:
            # Somebody deleted it meanwhile, as it would be a moment later.
            continue


def restore(archive: Path, folder: Path, files: Path | None, told: Told) -> int:
    """Bring back into ``folder`` what :func:`backup` wrote; gives the number of uploaded files.

    Raises TaskyardError when there is a database already (nothing is overwritten), or the
    archive is damaged or of a newer version. Then the folder is as it was.
    """
    for name in DATABASES.values():
        if (folder / name).exists():
            raise TaskyardError(
                f"there is a database in {folder} already",
                hint="Stop its server and move it away, or name another folder: --data.",
            )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as word:
        aside = Path(word)
        try:
            names = list(_extract(archive, aside, told))
        except (OSError, tarfile.TarError) as error:
            raise TaskyardError(f"cannot read {archive}: {error}") from error
        for part, name in DATABASES.items():
            if name not in names:
                raise TaskyardError(f"{archive} is no backup of Taskyard: it has no {name}")
            _check(aside / name, part)
        uploaded = [name for name in names if name not in KEPT]
        if files is not None:
            for name in uploaded:
                target = files / name.removeprefix(f"{FILES}/")
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.move(aside / name, target)
        for name in KEPT:
            if name in names:
                os.replace(aside / name, folder / name)
    return len(uploaded) if files is not None else 0


def _extract(archive: Path, aside: Path, told: Told) -> Iterator[str]:
    """Write what is known of the archive's members to ``aside``; gives their names."""
    with tarfile.open(archive, "r:") as opened:
        for member in opened:
            source = opened.extractfile(member) if member.isreg() else None
            if source is None or not _is_ours(member.name):
                raise TaskyardError(f"{archive} is no backup of Taskyard: it holds {member.name}")
            if member.name in KEPT:
                told(member.name)
            target = aside / member.name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with source, open(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            yield member.name


def _is_ours(name: str) -> bool:
    if name in KEPT:
        return True
    try:
        return name.startswith(f"{FILES}/") and checked(name) == name
    except ApiError:
        return False


def _check(database: Path, part: str) -> None:
    connection = sqlite3.connect(database)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise TaskyardError(f"the {part} database of the backup is damaged: {found}")
        # The table's name is one of two constants.
        query = f"SELECT version_num FROM {schema.version_table(part)}"  # noqa: S608
        version = connection.execute(query).fetchone()[0]
    except sqlite3.Error as error:
        raise TaskyardError(f"the {part} database of the backup is damaged: {error}") from error
    finally:
        connection.close()
    if version > schema.HEADS[part]:
        raise TaskyardError(
            f"the backup is of a newer version ({part} {version}) than this program",
            hint="Update Taskyard first.",
        )
