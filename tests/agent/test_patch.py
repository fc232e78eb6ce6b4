"""Uncommitted changes on their way from one machine's folder to another's."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskyard.agent.run.exact import EXACT
from taskyard.agent.run.patch import apply, is_patch, standalone
from taskyard.api.errors import Cause, RunError
from taskyard.sdk.capture import capture
from tests.agent import trees
from tests.beds.repositories import git

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


def _no_file_is_also_a_folder(tree: trees.Tree) -> trees.Tree:
    folders = {name[:at] for name in tree for at in range(len(name)) if name[at : at + 1] == b"/"}
    return {name: file for name, file in tree.items() if name not in folders}


_tree = st.dictionaries(_name, _file, max_size=6).map(_no_file_is_also_a_folder)


@st.composite
def _edits(draw: st.DrawFn) -> tuple[trees.Tree, trees.Tree]:
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
def test_any_work_tree_arrives_byte_for_byte(edits: tuple[trees.Tree, trees.Tree]) -> None:
    before, after = edits
    with tempfile.TemporaryDirectory() as scratch:
        repo = trees.new_repository(Path(scratch) / "repo")
        trees.write(repo, before)
        trees.commit_all(repo)
        trees.write(repo, after)
        assert trees.carry(repo, Path(scratch)) == after


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_edits(), st.sampled_from(["sub", "a b/é"]))
def test_any_work_tree_of_a_submodule_arrives_byte_for_byte(
    edits: tuple[trees.Tree, trees.Tree], path: str
) -> None:
    before, after = edits
    with tempfile.TemporaryDirectory() as scratch:
        module = trees.new_repository(Path(scratch) / "module")
        trees.write(module, before)
        trees.commit_all(module)
        repo = trees.new_repository(Path(scratch) / "repo")
        trees.add_submodule(repo, module, path)
        trees.commit_all(repo)
        trees.write(repo / path, after)
        trees.carry(repo, Path(scratch))
        assert trees.read(Path(scratch) / "run" / path) == after


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_tree)
def test_any_folder_without_git_arrives_byte_for_byte(tree: trees.Tree) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        trees.write(folder, tree)
        assert trees.carry(folder, Path(scratch)) == tree


@pytest.mark.parametrize(
    "attributes",
    ["* text=auto", "* text eol=crlf", "* ident", "* working-tree-encoding=UTF-16LE", "* binary"],
)
def test_attributes_of_the_repository_do_not_change_a_changed_file(
    repo: Path, tmp_path: Path, attributes: str
) -> None:
    (repo / ".gitattributes").write_text(f"*.csv {attributes[2:]}\n")
    (repo / "data.csv").write_bytes("x\r\n$Id$\r\n".encode("utf-16-le"))
    trees.commit_all(repo)
    (repo / "data.csv").write_bytes("a\r\nb\nc $Id: 1 $\r\n".encode("utf-16-le"))
    (repo / "new.csv").write_bytes(b"a\r\nb\nc $Id: 1 $\r\n")
    after = trees.read(repo)
    assert trees.carry(repo, tmp_path) == after


def test_a_file_that_became_a_folder_and_the_reverse_arrive(repo: Path, tmp_path: Path) -> None:
    trees.write(repo, {b"x": ("file", b"1\n"), b"y/z": ("file", b"2\n"), b"l/m": ("file", b"3\n")})
    trees.commit_all(repo)
    after: trees.Tree = {b"x/in": ("file", b"1\n"), b"y": ("file", b"2\n"), b"l": ("link", b"x")}
    trees.write(repo, after)
    assert trees.carry(repo, tmp_path) == after


def test_an_empty_file_in_a_folder_whose_name_ends_in_a_space_arrives(
    repo: Path, tmp_path: Path
) -> None:
    (repo / "odd ").mkdir()
    (repo / "odd " / "empty").touch()
    after = trees.read(repo)
    assert trees.carry(repo, tmp_path) == after


def test_unpushed_commits_and_changes_arrive_together(repo: Path, tmp_path: Path) -> None:
    (repo / "committed.txt").write_text("not pushed\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=local")
    (repo / "a.txt").write_text("changed\n")
    after = trees.read(repo)
    assert trees.carry(repo, tmp_path) == after


def test_white_space_at_the_end_of_the_patch_survives_stripping(repo: Path, tmp_path: Path) -> None:
    (repo / "z.txt").write_bytes(b"text\n  \n\n\t\n \n")
    after = trees.read(repo)
    assert trees.carry(repo, tmp_path) == after


def test_changes_are_uncommitted_in_the_working_tree(repo: Path, tmp_path: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    (repo / "new.txt").write_text("new\n")
    trees.carry(repo, tmp_path)
    status = git(tmp_path / "run", "status", "--porcelain", "--untracked-files=all")
    assert status.splitlines() == [" M a.txt", "?? new.txt"]


def test_a_plain_git_diff_applies(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\n2\nthree\nfour\nfive\n")
    apply(run, trees.foreign_patch(repo), say=print)
    assert trees.read(run) == trees.read(repo)


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
    apply(run, trees.foreign_patch(repo, *options), say=print)
    assert trees.read(run) == trees.read(repo)


def test_an_empty_diff_changes_nothing(run: Path) -> None:
    before = trees.read(run)
    apply(run, " \n", say=print)
    assert trees.read(run) == before


@pytest.mark.parametrize("exact", [True, False])
def test_a_patch_of_another_commit_is_merged_when_it_can_be(
    repo: Path, run: Path, exact: bool
) -> None:
    (repo / "a.txt").write_text("one\ntwo\nthree\nfour\nFIVE\n")
    diff = capture(repo).diff if exact else trees.foreign_patch(repo, "--full-index")
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
    head = git(run, "rev-parse", "HEAD")[:12]
    with pytest.raises(RunError, match=f"do not apply to {head}: a.txt") as raised:
        apply(run, diff, say=print)
    assert (raised.value.cause, bool(raised.value.hint)) == (Cause.GIT, True)


def test_a_refused_exact_patch_leaves_the_tree_alone(repo: Path, run: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    (repo / "new.txt").write_text("new\n")
    diff = capture(repo).diff
    (run / "a.txt").write_text("quite\ndifferent\n")
    git(run, "commit", "--quiet", "--all", "--message=other")
    before = trees.read(run)
    with pytest.raises(RunError):
        apply(run, diff, say=print)
    assert trees.read(run) == before


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
    write_to: trees.Tree = {b"go.sh": ("program", b"#!/bin/sh\n"), b"d/x.bin": ("file", b"\0\xff")}
    source.mkdir()
    into.mkdir()
    trees.write(source, write_to)
    assert standalone(into, capture(source).diff, "go.sh") == into / "go.sh"
    assert trees.read(into) == write_to


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
    assert trees.read(run) == trees.read(repo)
