"""``taskyard db``: care for the database of a server on this machine."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.api.errors import TaskyardError
from taskyard.cli.output import note

if TYPE_CHECKING:
    from taskyard.server.settings import Settings
    from taskyard.server.store.database.transfer import Address


def db_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    upgraded = verbs.add_parser("upgrade", help="bring the tables to this version's shape")
    backed = verbs.add_parser(
        "backup", help="write databases and files to one archive, also while the server runs"
    )
    backed.add_argument("file", metavar="FILE", type=Path, help="the archive to write")
    restored = verbs.add_parser("restore", help="bring an archive back into an empty data folder")
    restored.add_argument("file", metavar="FILE", type=Path, help="the archive to read")
    for verb in (backed, restored):
        verb.add_argument("--no-files", action="store_true", help="leave the uploaded files out")
    for verb in (upgraded, backed, restored):
        verb.add_argument("--data", help="folder of the database and the files")
        verb.add_argument("--database-url", help="postgresql://... instead of SQLite")
        verb.add_argument("--config", type=Path, help="the server's TOML file")
    copied = verbs.add_parser(
        "copy",
        help="copy everything into an empty database: SQLite to PostgreSQL, or back",
        epilog="FROM and TO are a data folder or postgresql://user@host/name each. A password "
        "is better left to PGPASSWORD or ~/.pgpass than written on the command line.",
    )
    copied.add_argument("source", metavar="FROM", help="what to copy")
    copied.add_argument("target", metavar="TO", help="an empty place for it")


def db_command(args: argparse.Namespace) -> int:
    if args.verb == "copy":
        return _copy(args)
    from taskyard.server.settings import load

    settings = load(args.config, {"data": args.data, "database_url": args.database_url})
    verbs = {"upgrade": _upgrade, "backup": _backup, "restore": _restore}
    return verbs[args.verb](args, settings)


def _address(settings: Settings) -> Address:
    from taskyard.server.store.database.transfer import address

    return address(settings.database_url or str(settings.folder))


def _upgrade(_args: argparse.Namespace, settings: Settings) -> int:
    from taskyard.server.store.database import transfer

    where = _address(settings)
    if not where.exists:
        raise TaskyardError(
            f"there is no database in {where.shown}",
            hint="A first start makes one: taskyard up",
        )
    for part, (before, after) in transfer.upgrade(where).items():
        print(f"{part:<10} {after}" + ("" if before == after else f" (was {before or 'empty'})"))
    return 0


def _backup(args: argparse.Namespace, settings: Settings) -> int:
    from taskyard.server.store.database import archive

    where = _address(settings)
    if where.folder is None:
        into = shlex.quote(str(args.file))
        raise TaskyardError(
            "PostgreSQL has a backup of its own, made while all goes on",
            hint=f"pg_dump --format=custom --file={into} {shlex.quote(where.shown)}\n"
            "  or for a copy in SQLite: taskyard db copy "
            f"{shlex.quote(where.shown)} FOLDER",
        )
    size = archive.backup(where.folder, _files(args, settings), args.file, note)
    print(f"{args.file}  {size} bytes")
    return 0


def _restore(args: argparse.Namespace, settings: Settings) -> int:
    from taskyard.server.store.database import archive

    where = _address(settings)
    if where.folder is None:
        raise TaskyardError(
            "an archive is restored into a data folder, not into PostgreSQL",
            hint="pg_restore brings back what pg_dump wrote. For an archive: restore it with "
            "--data FOLDER, then taskyard db copy FOLDER postgresql://...",
        )
    count = archive.restore(args.file, where.folder, _files(args, settings), note)
    print(f"{where.folder}  {count} files")
    note("try: taskyard up --data " + shlex.quote(str(where.folder)))
    return 0


def _files(args: argparse.Namespace, settings: Settings) -> Path | None:
    """The folder of uploaded files, or None where they stay out."""
    from taskyard.server.store.blobs.local import DATA

    if args.no_files:
        return None
    if settings.files.startswith("s3://"):
        note(f"note: the files in {settings.files} stay where they are")
        return None
    return settings.files_folder / DATA


def _copy(args: argparse.Namespace) -> int:
    from taskyard.server.store.database import transfer

    source, target = transfer.address(args.source), transfer.address(args.target)
    counts = transfer.copy(source, target, lambda name, rows: note(f"{name:<28} {rows}"))
    print(f"{sum(counts.values())} rows in {len(counts)} tables, counted on both sides")
    if source.folder is not None and target.folder is None:
        data = shlex.quote(str(source.folder))
        note(
            "note: uploaded files stay in the data folder\n"
            f"  try: taskyard up --data {data} --database-url {shlex.quote(target.shown)}"
        )
    return 0
