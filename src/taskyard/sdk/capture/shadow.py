"""A passing repository beside the person's own, in which the patch is made.

It sees the same files and borrows the same objects, but its index, attributes and configuration
are its own: nothing the person configured changes the patch, and nothing here changes what they
have.
"""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from pathlib import Path

from taskyard.agent.run import git
from taskyard.agent.run.git import GitFailed
from taskyard.agent.run.patch import AS_IT_IS
from taskyard.api.errors import TaskyardError
from taskyard.sdk.capture.changes import Changes
from taskyard.sdk.capture.origin import Origin

_DIFF = (
    "diff", "--cached", "--binary", "--full-index", "--find-renames=100%", "--no-color",
    "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative",
    "--ignore-submodules=all",
)  # fmt: skip
JUNK = """\
.venv/
venv/
__pycache__/
node_modules/
.ipynb_checkpoints/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.tox/
*.egg-info/
*.pyc
.DS_Store
"""
"""What nobody means to send, where there is no repository to say so. In .gitignore's form."""

_HEADER = re.compile(rb"^(@@ -[\d,]+ \+[\d,]+ @@).*$", re.MULTILINE)


class Shadow:
    """Context manager. ``root`` is the work tree; ``real`` says that it has a repository."""

    def __init__(self, root: Path, *, real: bool) -> None:
        self._root = root
        self._real = real

    def __enter__(self) -> Shadow:
        self._folder = tempfile.TemporaryDirectory(prefix="taskyard-capture-")
        self._inner = Path(self._folder.name)
        self._env = git.isolated() | {
            "GIT_DIR": str(self._inner),
            "GIT_WORK_TREE": str(self._root),
        }
        (self._inner / "objects" / "info").mkdir(parents=True)
        (self._inner / "refs").mkdir()
        (self._inner / "HEAD").write_text("ref: refs/heads/none\n")
        settings = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tlooseCompression = 0\n"
        if self._real:
            objects = self._ask("rev-parse", "--path-format=absolute", "--git-path", "objects")
            (self._inner / "objects" / "info" / "alternates").write_bytes(objects + b"\n")
            # Whether this file system can tell: not taste, so theirs is taken over.
            for key in ("fileMode", "symlinks"):
                value = self._ask("config", "--type=bool", "--default=true", f"core.{key}")
                settings += f"\t{key} = {value.decode()}\n"
        (self._inner / "config").write_text(settings)
        self.write_info("attributes", f"{AS_IT_IS} !diff\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def write_info(self, name: str, text: str) -> None:
        """Write one of git's own settings files for this repository: attributes, exclude."""
        (self._inner / "info").mkdir(exist_ok=True)
        (self._inner / "info" / name).write_bytes(os.fsencode(text))

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        """Run git on the person's files with this repository. Raises :class:`GitFailed`."""
        return git.run(*args, cwd=self._root, env=self._env, stdin=stdin)

    def all_files(self) -> Changes:
        """All files of a folder without git, except junk and what its .gitignore files name."""
        self.write_info("exclude", JUNK)
        changes = Changes()
        for path in self.git("ls-files", "-z", "--others", "--exclude-standard").split(b"\0"):
            if path:
                changes.add_untracked(path)
        return changes

    def patch(self, origin: Origin, changes: Changes, *, limit: int, inside: str = "") -> str:
        """The patch from ``origin.base`` (or from nothing) to the files as they are.

        It names files from the work tree's root, or as lying below ``inside``. Raises
        :class:`TaskyardError` above ``limit`` bytes and when a file cannot be read.
        """
        self._refuse_bulk(changes.untracked, limit)
        try:
            if origin.head:
                self.git("read-tree", origin.head)
            gone, there = (b"".join(p + b"\0" for p in paths) for paths in
                           (changes.deleted, changes.present))  # fmt: skip
            if gone:
                self.git("update-index", "--force-remove", "-z", "--stdin", stdin=gone)
            if there:
                update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
                self.git(*update, stdin=there)
            # The names in a rename have no prefix: below a folder there must be none.
            options = ("--no-renames",) if inside else ()
            patch = self._text_patch(origin.base, *options)
            if patch and inside:
                prefixes = (f"--src-prefix=a/{inside}/", f"--dst-prefix=b/{inside}/")
                patch = self._diff(origin.base, *options, *prefixes)
            return self._finish(patch, limit)
        except GitFailed as failure:
            raise TaskyardError(
                f"the changes in {self._root} cannot be captured: {failure.what}",
                hint="make the named files readable, or add them to .gitignore",
            ) from None

    def _text_patch(self, base: str, *options: str) -> bytes:
        """The patch as UTF-8. Files whose text is in another encoding go into it as binary ones."""
        patch = self._diff(base, *options)
        if _is_text(patch):
            return patch
        odd = [section for section in sections(patch) if not _is_text(section)]
        patterns = "".join(f"{_pattern(section)} -diff\n" for section in odd)
        self.write_info("attributes", f"{AS_IT_IS} !diff\n{patterns}")
        patch = self._diff(base, *options)
        if not _is_text(patch):
            # A name too long for an attributes file.
            self.write_info("attributes", f"{AS_IT_IS} -diff\n")
            patch = self._diff(base, *options)
        return patch

    def _diff(self, base: str, *options: str) -> bytes:
        patch = self.git(*_DIFF, *options, *([base] if base else []))
        # git cuts what it repeats after a hunk's position at 80 bytes, within a character too.
        return patch if _is_text(patch) else _HEADER.sub(rb"\1", patch)

    def _finish(self, patch: bytes, limit: int) -> str:
        if not patch:
            return ""
        if len(patch) > limit:
            sizes = {_name(section): len(section) for section in sections(patch)}
            raise _too_much("the uncommitted changes make a patch of", len(patch), limit, sizes)
        clear = b"".join(_clear_header(section) for section in sections(patch))
        return clear.decode()

    def _refuse_bulk(self, untracked: list[bytes], limit: int) -> None:
        """Say no to data sets before git has compressed them."""
        sizes = {}
        for path in untracked:
            try:
                sizes[os.fsdecode(path)] = os.lstat(os.fsencode(self._root) + b"/" + path).st_size
            except FileNotFoundError:
                continue
        if (total := sum(sizes.values())) > limit:
            raise _too_much("the files that are not in a repository have", total, limit, sizes)

    def _ask(self, *args: str) -> bytes:
        """A question to the person's own repository."""
        found = git.run(*args, cwd=self._root, env=git.environment())
        return found.removesuffix(b"\n")


def sections(patch: bytes) -> list[bytes]:
    """The patch by files. No line of content can look like the line that starts a file."""
    starts = [0, *(m.start() + 1 for m in re.finditer(rb"\ndiff --git ", patch)), len(patch)]
    return [patch[a:b] for a, b in itertools.pairwise(starts) if a < b]


def _clear_header(section: bytes) -> bytes:
    """Quote a name whose end older git cannot find: one with a folder that ends in a space."""
    line, end, rest = section.partition(b"\n")
    name = _quoted_name(line).removeprefix(b"a/")
    if b" /" not in name or line != b"diff --git a/%b b/%b" % (name, name):
        return section
    return b'diff --git "a/%b" "b/%b"' % (name, name) + end + rest


def _is_text(patch: bytes) -> bool:
    """UTF-8 without NUL, which some databases refuse in text."""
    try:
        patch.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in patch


def _quoted_name(section: bytes) -> bytes:
    """``a/name`` as the section's first line has it: in quotes when it holds odd characters.

    Both names in that line are the same, except for pure renames, which have no content.
    """
    names = section.partition(b"\n")[0].removeprefix(b"diff --git ")
    return names[: len(names) // 2]


def _pattern(section: bytes) -> str:
    """The attributes pattern for just this file."""
    name = _quoted_name(section).decode()
    plain = name[3:-1] if name.startswith('"') else name[2:]
    # In quotes a backslash is written twice, and the pattern needs one before each of these.
    return '"/' + re.sub(r"\\\\|[*?\[]", lambda m: f"\\\\{m[0]}", plain) + '"'


def _name(section: bytes) -> str:
    return _quoted_name(section).decode(errors="replace").strip('"').removeprefix("a/")


def _too_much(what: str, size: int, limit: int, sizes: dict[str, int]) -> TaskyardError:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    names = ", ".join(f"{name} ({_human(bytes_)})" for name, bytes_ in largest)
    return TaskyardError(
        f"{what} {_human(size)}, above the limit of {_human(limit)}; the largest: {names}",
        hint="add data to .gitignore and keep it as a dataset or artifact, or raise the limit",
    )


def _human(size: int) -> str:
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
