"""Uncommitted changes on their way from one machine's folder to another's."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskyard.agent.run.exact import EXACT
from taskyard.agent.run.patch import apply, is_patch, standalone
from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError
from taskyard.sdk.capture import capture

Tree = dict[bytes, tuple[str, bytes]]
"""Files by path: what kind each is, and its bytes (a link's target)."""


def git(folder: Path, *args: str) -> bytes:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    quiet = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")
    done = subprocess.run(
        ["git", *identity, *quiet, *args], cwd=folder, check=True, capture_output=True
    )
    return done.stdout


def read(root: Path) -> Tree:
    """All files under ``root`` but git's."""
    found: Tree = {}
    base = os.fsencode(root)
    for folder, folders, files in os.walk(base):
        for names in (folders, files):  # of a submodule it is a file
            if b".git" in names:
                names.remove(b".git")
        for name in [*files, *folders]:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            key = os.path.relpath(path, base)
            if stat.S_ISLNK(mode):
                found[key] = "link", os.readlink(path)
            elif stat.S_ISREG(mode):
                kind = "program" if mode & stat.S_IXUSR else "file"
                found[key] = kind, Path(os.fsdecode(path)).read_bytes()
    return found


def write(root: Path, tree: Tree) -> None:
    """Make ``root`` hold just ``tree``, git's own folder aside."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
            shutil.rmtree(entry.path)
        elif entry.name != ".git":
            os.unlink(entry.path)
    for name, (kind, content) in tree.items():
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if kind == "link":
            os.symlink(content, path)
        else:
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o755 if kind == "program" else 0o644)


def commit_all(repo: Path) -> str:
    git(repo, "add", "--all", "--force")
    git(repo, "commit", "--quiet", "--allow-empty", "--message=state")
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    return git(repo, "rev-parse", "HEAD").decode().strip()


def new_repository(folder: Path) -> Path:
    """A repository that is its own remote: what it has committed can be fetched from it."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = new_repository(tmp_path / "repo")
    (root / "a.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    commit_all(root)
    return root


def carry(folder: Path, beside: Path) -> Tree:
    """Capture ``folder``, and read what comes out at the other end."""
    found = capture(folder)
    into, said = beside / "run", list[str]()
    # Stores of tasks strip white space at both ends.
    diff = found.diff.strip()
    code = Code(repository=found.repository, commit=found.commit, diff=diff)
    fetch(code, git={}, cache=beside / "cache", into=into, say=said.append)
    apply(into, diff, say=said.append)
    assert not [line for line in said if "3-way" in line]
    return read(into)


_part = st.one_of(
    st.sampled_from([b"a", b"B c", b'"q"', b"back\\slash", b"new\nline", b"tab\t", b"*?[x]", b"#"]),
    st.text("aé日\u202e{} -!", min_size=1, max_size=4).map(str.encode),
    st.binary(min_size=1, max_size=3).map(lambda b: b"raw" + b.translate(None, b"\0/")),
)
_name = (
    st.lists(_part, min_size=1, max_size=3)
    .map(b"/".join)
    .filter(lambda name: not {b".", b"..", b".git"} & set(name.lower().split(b"/")))
)
_line = st.one_of(
    st.sampled_from(
        [b"", b" ", b"+", b"-- ", b"diff --git a/x b/x", b"@@ -1 +1 @@", b"x\r", b"\xff\xfe", b"\\"]
    ),
    st.text(max_size=6).map(lambda t: t.replace("\n", " ").encode(errors="replace")),
)
_content = st.one_of(
    st.tuples(
        st.lists(_line, max_size=12).map(b"\n".join), st.sampled_from([b"", b"\n", b"\r\n"])
    ).map(b"".join),
    st.binary(max_size=60),
)
_file = st.one_of(
    st.tuples(st.just("file"), _content),
    st.tuples(st.just("program"), _content),
    st.tuples(st.just("link"), st.sampled_from([b"a", b"../away", b"b c"])),
)


def _no_file_is_also_a_folder(tree: Tree) -> Tree:
    folders = {name[:at] for name in tree for at in range(len(name)) if name[at : at + 1] == b"/"}
    return {name: file for name, file in tree.items() if name not in folders}


_tree = st.dictionaries(_name, _file, max_size=6).map(_no_file_is_also_a_folder)


@st.composite
def _edits(draw: st.DrawFn) -> tuple[Tree, Tree]:
    """A committed tree, and what became of it: files kept, changed, moved, removed, new."""
    before, after = draw(_tree), dict(draw(_tree))
    for name, file in before.items():
        fate = draw(st.sampled_from(["keep", "append", "flip", "move", "remove"]))
        kind, content = file
        if fate == "keep":
            after[name] = file
        elif fate == "append" and kind != "link":
            after[name] = kind, content + draw(_content)
        elif fate == "flip" and kind != "link":
            after[name] = ("program" if kind == "file" else "file"), content
        elif fate == "move":
            after[name + b".moved"] = file
    return before, _no_file_is_also_a_folder(after)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_edits())
def test_any_work_tree_arrives_byte_for_byte(edits: tuple[Tree, Tree]) -> None:
    before, after = edits
    with tempfile.TemporaryDirectory() as scratch:
        repo = new_repository(Path(scratch) / "repo")
        write(repo, before)
        commit_all(repo)
        write(repo, after)
        assert carry(repo, Path(scratch)) == after


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_edits(), st.sampled_from(["sub", "a b/é"]))
def test_any_work_tree_of_a_submodule_arrives_byte_for_byte(
    edits: tuple[Tree, Tree], path: str
) -> None:
    before, after = edits
    with tempfile.TemporaryDirectory() as scratch:
        module = new_repository(Path(scratch) / "module")
        write(module, before)
        commit_all(module)
        repo = new_repository(Path(scratch) / "repo")
        add_submodule(repo, module, path)
        commit_all(repo)
        write(repo / path, after)
        carry(repo, Path(scratch))
        assert read(Path(scratch) / "run" / path) == after


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_tree)
def test_any_folder_without_git_arrives_byte_for_byte(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        write(folder, tree)
        assert carry(folder, Path(scratch)) == tree


@pytest.mark.parametrize(
    "attributes",
    ["* text=auto", "* text eol=crlf", "* ident", "* working-tree-encoding=UTF-16LE", "* binary"],
)
def test_attributes_of_the_repository_do_not_change_a_changed_file(
    repo: Path, tmp_path: Path, attributes: str
) -> None:
    (repo / ".gitattributes").write_text(f"*.csv {attributes[2:]}\n")
    (repo / "data.csv").write_bytes("x\r\n$Id$\r\n".encode("utf-16-le"))
    commit_all(repo)
    (repo / "data.csv").write_bytes("a\r\nb\nc $Id: 1 $\r\n".encode("utf-16-le"))
    (repo / "new.csv").write_bytes(b"a\r\nb\nc $Id: 1 $\r\n")
    after = read(repo)
    assert carry(repo, tmp_path) == after


def test_a_file_that_became_a_folder_and_the_reverse_arrive(repo: Path, tmp_path: Path) -> None:
    write(repo, {b"x": ("file", b"1\n"), b"y/z": ("file", b"2\n"), b"l/m": ("file", b"3\n")})
    commit_all(repo)
    after: Tree = {b"x/in": ("file", b"1\n"), b"y": ("file", b"2\n"), b"l": ("link", b"x")}
    write(repo, after)
    assert carry(repo, tmp_path) == after


def test_an_empty_file_in_a_folder_whose_name_ends_in_a_space_arrives(
    repo: Path, tmp_path: Path
) -> None:
    (repo / "odd ").mkdir()
    (repo / "odd " / "empty").touch()
    after = read(repo)
    assert carry(repo, tmp_path) == after


def test_unpushed_commits_and_changes_arrive_together(repo: Path, tmp_path: Path) -> None:
    (repo / "committed.txt").write_text("not pushed\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=local")
    (repo / "a.txt").write_text("changed\n")
    after = read(repo)
    assert carry(repo, tmp_path) == after


def test_white_space_at_the_end_of_the_patch_survives_stripping(repo: Path, tmp_path: Path) -> None:
    (repo / "z.txt").write_bytes(b"text\n  \n\n\t\n \n")
    after = read(repo)
    assert carry(repo, tmp_path) == after


def test_changes_are_uncommitted_in_the_working_tree(repo: Path, tmp_path: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    (repo / "new.txt").write_text("new\n")
    carry(repo, tmp_path)
    status = git(tmp_path / "run", "status", "--porcelain", "--untracked-files=all")
    assert status.decode().splitlines() == [" M a.txt", "?? new.txt"]


@pytest.fixture
def run(repo: Path, tmp_path: Path) -> Path:
    """A working tree of the repository's commit."""
    into = tmp_path / "run"
    commit = git(repo, "rev-parse", "HEAD").decode().strip()
    fetch(
        Code(repository=str(repo), commit=commit),
        git={},
        cache=tmp_path / "cache",
        into=into,
        say=lambda _: None,
    )
    return into


def foreign_patch(repo: Path, *options: str) -> str:
    """What other clients record: git's plain diff, stripped of white space by the store."""
    return git(repo, "diff", "--submodule=diff", *options, "HEAD").decode().strip()


def test_a_plain_git_diff_applies(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\n2\nthree\nfour\nfive\n")
    apply(run, foreign_patch(repo), say=print)
    assert read(run) == read(repo)


@pytest.mark.parametrize("options", [(), ("--unified=0",), ("--binary",)])
def test_a_diff_that_lost_the_white_space_at_its_end_applies(
    repo: Path, run: Path, options: tuple[str, ...]
) -> None:
    before = "one\n\ntwo\n\n\n\n"
    (repo / "b.txt").write_text(before)
    (repo / "b.bin").write_bytes(b"\0\1\2")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=b")
    git(run, "fetch", "--quiet", str(repo))
    git(run, "checkout", "--quiet", "FETCH_HEAD")
    (repo / "b.txt").write_text(before.replace("two", "2"))
    if options == ("--binary",):
        (repo / "b.txt").write_text(before)
        (repo / "b.bin").write_bytes(b"\0\3\4\5")
    apply(run, foreign_patch(repo, *options), say=print)
    assert read(run) == read(repo)


def test_a_diff_that_reaches_into_a_submodule_applies(repo: Path, tmp_path: Path) -> None:
    module = new_repository(tmp_path / "module")
    (module / "m.txt").write_text("m\n")
    commit_all(module)
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", str(module), "sub")
    commit = commit_all(repo)
    (repo / "sub" / "m.txt").write_text("changed\n")
    diff = foreign_patch(repo)
    into = tmp_path / "run"
    code = Code(repository=str(repo), commit=commit)
    fetch(code, git={}, cache=tmp_path / "cache", into=into, say=print)
    assert diff.startswith("Submodule sub")
    apply(into, diff, say=print)
    assert (into / "sub" / "m.txt").read_text() == "changed\n"


@pytest.fixture
def nested(repo: Path, tmp_path: Path) -> Path:
    """A repository with a submodule, ``lib/one``, which has one of its own, ``inner``."""
    inner, library = new_repository(tmp_path / "inner"), new_repository(tmp_path / "library")
    write(inner, {b"i.txt": ("file", b"i\n")})
    commit_all(inner)
    write(library, {b"l.txt": ("file", b"l\n"), b"a.txt": ("file", b"of the library\n")})
    add_submodule(library, inner, "inner")
    commit_all(library)
    add_submodule(repo, library, "lib/one")
    git(repo, *FILE_ALLOWED, "submodule", "--quiet", "update", "--init", "--recursive")
    commit_all(repo)
    return repo


FILE_ALLOWED = ("-c", "protocol.file.allow=always")


def add_submodule(repo: Path, module: Path, path: str) -> None:
    git(repo, *FILE_ALLOWED, "submodule", "--quiet", "add", str(module), path)


def test_changes_in_submodules_of_submodules_arrive(nested: Path, tmp_path: Path) -> None:
    one, inner = nested / "lib" / "one", nested / "lib" / "one" / "inner"
    (nested / "a.txt").write_text("changed\n")
    (one / "a.txt").write_bytes(b"changed\r\n\xff")
    (one / "l.txt").rename(one / "moved é.txt")
    (inner / "new.bin").write_bytes(b"\0\1")
    (inner / "new.bin").chmod(0o755)
    (inner / "i.txt").unlink()
    after = read(nested)
    assert carry(nested, tmp_path) == after


def test_a_submodule_at_another_commit_arrives_there(nested: Path, tmp_path: Path) -> None:
    one = nested / "lib" / "one"
    (one / "pushed.txt").write_text("pushed\n")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message=pushed")
    git(one, "push", "--quiet", "origin", "HEAD:refs/heads/elsewhere")
    (one / "unpushed.txt").write_text("unpushed\n")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message=unpushed")
    after = read(nested)
    assert carry(nested, tmp_path) == after
    assert not git(tmp_path / "run" / "lib" / "one", "status", "--porcelain", "pushed.txt")


def test_unpushed_commits_that_move_a_submodule_arrive(nested: Path, tmp_path: Path) -> None:
    one = nested / "lib" / "one"
    (one / "l.txt").write_text("moved on\n")
    git(one, "commit", "--quiet", "--all", "--message=on")
    git(nested, "commit", "--quiet", "--all", "--message=move")
    after = read(nested)
    assert carry(nested, tmp_path) == after


def test_a_new_submodule_arrives(nested: Path, tmp_path: Path) -> None:
    other = new_repository(tmp_path / "other")
    write(other, {b"o.txt": ("file", b"o\n")})
    commit_all(other)
    add_submodule(nested, other, "new one")
    (nested / "new one" / "o.txt").write_text("changed\n")
    after = read(nested)
    assert carry(nested, tmp_path) == after


def test_a_submodule_that_nothing_was_pushed_of_arrives_whole(repo: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    write(module, {b"m.txt": ("file", b"m\n")})
    git(module, "add", "--all")
    git(module, "commit", "--quiet", "--message=first")
    add_submodule(repo, module, "sub")
    git(repo / "sub", "remote", "remove", "origin")
    after = read(repo)
    assert carry(repo, tmp_path) == after


def test_a_removed_submodule_is_gone(nested: Path, tmp_path: Path) -> None:
    git(nested, "rm", "--quiet", "--force", "lib/one")
    after = read(nested)
    assert b"lib/one/l.txt" not in after
    assert carry(nested, tmp_path) == after


def test_a_clean_submodule_needs_no_patch(nested: Path) -> None:
    assert capture(nested).diff == ""


def test_a_patch_of_submodules_applies_with_plain_git(nested: Path, tmp_path: Path) -> None:
    (nested / "a.txt").write_text("changed\n")
    (nested / "lib" / "one" / "l.txt").write_text("changed\n")
    plain = tmp_path / "plain"
    git(tmp_path, *FILE_ALLOWED, "clone", "--quiet", "--recursive", str(nested), str(plain))
    (tmp_path / "patch").write_text(capture(nested).diff)
    git(plain, "apply", str(tmp_path / "patch"))
    assert read(plain) == read(nested)


@pytest.mark.parametrize("path", ["../away", "/etc", "sub/.git", ""])
def test_a_submodule_outside_of_the_repository_is_refused(run: Path, path: str) -> None:
    with pytest.raises(RunError, match="outside of the repository"):
        apply(run, f'submodule "{path}" gone\n{EXACT}', say=print)


def test_an_empty_diff_changes_nothing(run: Path) -> None:
    before = read(run)
    apply(run, " \n", say=print)
    assert read(run) == before


@pytest.mark.parametrize("exact", [True, False])
def test_a_patch_of_another_commit_is_merged_when_it_can_be(
    repo: Path, run: Path, exact: bool
) -> None:
    (repo / "a.txt").write_text("one\ntwo\nthree\nfour\nFIVE\n")
    diff = capture(repo).diff if exact else foreign_patch(repo, "--full-index")
    (run / "a.txt").write_text("one\nTWO\nthree\nfour\nfive\n")
    git(run, "commit", "--quiet", "--all", "--message=other")
    said: list[str] = []
    apply(run, diff, say=said.append)
    assert (run / "a.txt").read_text() == "one\nTWO\nthree\nfour\nFIVE\n"
    assert "3-way" in said[0]


def test_a_patch_that_does_not_apply_names_commit_and_file(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\ntwo\nthree\nfour\nFIVE\n")
    diff = capture(repo).diff
    (run / "a.txt").write_text("quite\ndifferent\n")
    git(run, "commit", "--quiet", "--all", "--message=other")
    head = git(run, "rev-parse", "HEAD").decode()[:12]
    with pytest.raises(RunError, match=f"do not apply to {head}: a.txt") as raised:
        apply(run, diff, say=print)
    assert (raised.value.cause, bool(raised.value.hint)) == (Cause.GIT, True)


def test_a_refused_exact_patch_leaves_the_tree_alone(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    (repo / "new.txt").write_text("new\n")
    diff = capture(repo).diff
    (run / "a.txt").write_text("quite\ndifferent\n")
    git(run, "commit", "--quiet", "--all", "--message=other")
    before = read(run)
    with pytest.raises(RunError):
        apply(run, diff, say=print)
    assert read(run) == before


def test_a_script_without_repository_is_written_out(tmp_path: Path) -> None:
    script = standalone(tmp_path, "print('ü')\n", "tools/go.py")
    assert (script, script.read_text()) == (tmp_path / "tools" / "go.py", "print('ü')\n")


@pytest.mark.parametrize("entry_point", ["", "-m package"])
def test_a_script_without_a_file_name_gets_one(tmp_path: Path, entry_point: str) -> None:
    assert standalone(tmp_path, "print(1)", entry_point) == tmp_path / "script.py"


@pytest.mark.parametrize("entry_point", ["../x.py", "/etc/x.py"])
def test_a_script_stays_in_its_folder(tmp_path: Path, entry_point: str) -> None:
    with pytest.raises(RunError, match="leads out"):
        standalone(tmp_path, "print(1)", entry_point)


def test_a_patch_without_repository_fills_the_folder(tmp_path: Path) -> None:
    source, into = tmp_path / "source", tmp_path / "run"
    write_to: Tree = {b"go.sh": ("program", b"#!/bin/sh\n"), b"d/x.bin": ("file", b"\0\xff")}
    source.mkdir()
    into.mkdir()
    write(source, write_to)
    assert standalone(into, capture(source).diff, "go.sh") == into / "go.sh"
    assert read(into) == write_to


@pytest.mark.parametrize(
    ("diff", "answer"),
    [
        ("diff --git a/x b/x\n", True),
        ("\nSubmodule sub 1..2:\ndiff --git a/x b/x\n", True),
        (f'submodule "sub" {"a" * 40}\n{EXACT}', True),
        ("submodule = 1\nprint(submodule)\n", False),
        ("import x\n", False),
        ("", False),
    ],
)
def test_a_patch_is_told_from_a_script(diff: str, answer: bool) -> None:
    assert is_patch(diff) is answer


def test_the_end_mark_is_not_taken_for_content(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\ntwo\nthree\nfour\nfive\nsix\n")
    diff = capture(repo).diff
    assert diff.endswith(EXACT)
    apply(run, diff, say=print)
    assert read(run) == read(repo)
