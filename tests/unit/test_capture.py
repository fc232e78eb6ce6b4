"""What is taken from a folder, seen from the patch that comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.api.errors import TaskyardError
from taskyard.sdk.capture import capture
from tests.beds.repositories import git

URL = "https://git.example.com/team/code.git"


def pushed(repo: Path) -> None:
    """Make the local knowledge say that HEAD is on the remote."""
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a pushed commit of ``train.py`` and ``lib/model.py``."""
    root = tmp_path / "code"
    (root / "lib").mkdir(parents=True)
    (root / "train.py").write_text("print('train')\n")
    (root / "lib" / "model.py").write_text("LAYERS = 3\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "remote", "add", "origin", URL)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=first")
    pushed(root)
    return root


def test_a_clean_pushed_work_tree_has_no_patch_and_no_notes(repo: Path) -> None:
    found = capture(repo, "train.py")
    assert (found.repository, found.branch, found.commit) == (
        URL,
        "main",
        git(repo, "rev-parse", "HEAD"),
    )
    assert (found.diff, found.size, found.notes) == ("", 0, [])


def test_the_entry_point_is_relative_to_the_folder_it_is_started_in(repo: Path) -> None:
    found = capture(repo / "lib", "../train.py")
    assert (found.working_dir, found.entry_point) == ("lib", "../train.py")


def test_an_absolute_entry_point_becomes_relative(repo: Path) -> None:
    assert capture(repo, str(repo / "lib" / "model.py")).entry_point == "lib/model.py"


def test_interpreter_options_are_an_entry_point(repo: Path) -> None:
    assert capture(repo, "-m lib.model").entry_point == "-m lib.model"


def test_a_missing_entry_point_is_named(repo: Path) -> None:
    with pytest.raises(TaskyardError, match=r"trian\.py"):
        capture(repo, "trian.py")


def test_an_entry_point_outside_the_repository_is_refused(repo: Path) -> None:
    (repo.parent / "other.py").touch()
    with pytest.raises(TaskyardError, match="outside"):
        capture(repo, "../other.py")


def test_an_ignored_entry_point_is_sent_all_the_same(repo: Path) -> None:
    (repo / ".git" / "info" / "exclude").write_text("scratch.py\n")
    (repo / "scratch.py").write_text("print('scratch')\n")
    found = capture(repo, "scratch.py")
    assert "print('scratch')" in found.diff
    assert "scratch.py is ignored by git" in found.notes[0]


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("https://ada:s3cret@git.example.com/x.git", "https://git.example.com/x.git"),
        ("https://s3cret@git.example.com:8443/x.git", "https://git.example.com:8443/x.git"),
        ("ssh://git:s3cret@git.example.com/x.git", "ssh://git@git.example.com/x.git"),
        ("git@git.example.com:x.git", "git@git.example.com:x.git"),
    ],
)
def test_the_url_loses_its_credentials(repo: Path, given: str, clean: str) -> None:
    git(repo, "remote", "set-url", "origin", given)
    assert capture(repo, None).repository == clean


def test_the_branch_and_remote_are_those_the_local_branch_follows(repo: Path) -> None:
    git(repo, "remote", "add", "fork", "https://git.example.com/fork.git")
    git(repo, "update-ref", "refs/remotes/fork/feature/x", "HEAD")
    git(repo, "config", "branch.main.remote", "fork")
    git(repo, "config", "branch.main.merge", "refs/heads/feature/x")
    found = capture(repo, None)
    assert (found.repository, found.branch) == ("https://git.example.com/fork.git", "feature/x")


def test_staged_unstaged_and_untracked_changes_are_in_one_patch(repo: Path) -> None:
    (repo / "train.py").write_text("print('staged')\n")
    git(repo, "add", "train.py")
    (repo / "lib" / "model.py").write_text("LAYERS = 4\n")
    (repo / "new.py").write_text("NEW = 1\n")
    diff = capture(repo, None).diff
    assert diff.startswith("diff --git ")
    assert all(line in diff for line in ("+print('staged')", "+LAYERS = 4", "+NEW = 1"))


def test_ignored_files_stay_at_home(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    (repo / "run.log").write_text("secret\n")
    assert "secret" not in capture(repo, None).diff


def test_index_and_objects_of_the_repository_are_not_touched(repo: Path) -> None:
    (repo / "train.py").write_text("print('changed')\n")
    (repo / "new.py").write_text("NEW = 1\n")
    before = {p: p.read_bytes() for p in (repo / ".git").rglob("*") if p.is_file()}
    capture(repo, None)
    assert {p: p.read_bytes() for p in (repo / ".git").rglob("*") if p.is_file()} == before


def test_diff_settings_of_the_person_change_nothing(repo: Path) -> None:
    (repo / "train.py").write_text("print('changed')\n")
    plain = capture(repo, None).diff
    settings = {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.external": "false",
        "diff.context": "0",
        "color.ui": "always",
        "core.autocrlf": "true",
        "core.quotePath": "false",
    }
    for key, value in settings.items():
        git(repo, "config", key, value)
    assert capture(repo, None).diff == plain


def test_a_converter_for_reading_diffs_is_not_used(repo: Path) -> None:
    (repo / ".git" / "info" / "attributes").write_text("*.py diff=upper\n")
    git(repo, "config", "diff.upper.textconv", "tr a-z A-Z <")
    (repo / "train.py").write_text("print('changed')\n")
    assert "+print('changed')" in capture(repo, None).diff


def test_text_in_another_encoding_travels_as_binary(repo: Path) -> None:
    (repo / "latin.txt").write_bytes("Grüße\n".encode("latin-1"))
    (repo / "plain.txt").write_text("Grüße\n")
    diff = capture(repo, None).diff
    assert "GIT binary patch" in diff
    assert "+Grüße" in diff


def test_a_cut_character_in_a_hunk_header_does_not_make_a_file_binary(repo: Path) -> None:
    body = "def f():  # " + "ü" * 60 + "\n" + "".join(f"    x{n} = {n}\n" for n in range(20))
    (repo / "train.py").write_text(body)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=long")
    pushed(repo)
    (repo / "train.py").write_text(body.replace("x15 = 15", "x15 = 16"))
    assert "+    x15 = 16" in capture(repo, None).diff


def test_nul_far_into_a_text_does_not_reach_the_patch(repo: Path) -> None:
    (repo / "late.txt").write_bytes(b"a line\n" * 2000 + b"\0\n")
    assert "\0" not in capture(repo, None).diff


def test_unpushed_commits_are_in_the_patch_against_the_newest_pushed_one(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    for number in (1, 2):
        (repo / "train.py").write_text(f"print({number})\n")
        git(repo, "commit", "--quiet", "--all", f"--message={number}")
    found = capture(repo, None)
    assert found.commit == base
    assert "+print(2)" in found.diff
    assert "2 unpushed commits" in found.notes[0]


def test_an_unpushed_merge_is_captured_against_the_newest_commit_it_took_in(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "mine")
    (repo / "mine.py").write_text("MINE = 1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=mine")
    git(repo, "checkout", "--quiet", "main")
    (repo / "theirs.py").write_text("THEIRS = 1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=theirs", "--date=2099-01-01T00:00:00Z")
    pushed(repo)
    theirs = git(repo, "rev-parse", "main")
    git(repo, "checkout", "--quiet", "mine")
    git(repo, "merge", "--quiet", "--no-edit", "main")
    found = capture(repo, None)
    assert found.commit == theirs
    assert "THEIRS" not in found.diff


def test_a_repository_without_remote_is_sent_whole(repo: Path) -> None:
    git(repo, "remote", "remove", "origin")
    found = capture(repo, "train.py")
    assert (found.repository, found.commit) == ("", "")
    assert "+LAYERS = 3" in found.diff
    assert "no remote" in found.notes[0]


def test_a_remote_that_nothing_was_pushed_to_gets_no_commit_asked_of_it(repo: Path) -> None:
    git(repo, "update-ref", "-d", "refs/remotes/origin/main")
    found = capture(repo, "train.py")
    assert (found.repository, found.commit) == ("", "")
    assert "+LAYERS = 3" in found.diff


def test_a_repository_without_commits_is_sent_whole(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.py").write_text("A = 1\n")
    found = capture(tmp_path, "a.py")
    assert "+A = 1" in found.diff
    assert "no commit yet" in found.notes[0]


def test_a_folder_without_git_is_sent_without_junk(tmp_path: Path) -> None:
    for name in ("a.py", ".venv/lib/x.py", "__pycache__/a.pyc", "node_modules/m/i.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    found = capture(tmp_path, "a.py")
    assert found.diff.count("diff --git ") == 1
    assert "in no git repository" in found.notes[0]


def test_changes_in_a_submodule_are_in_the_patch_below_its_folder(repo: Path) -> None:
    module = repo.parent / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    git(module, "commit", "--quiet", "--allow-empty", "--message=first")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "sub")
    git(repo, "commit", "--quiet", "--message=submodule")
    pushed(repo)
    (repo / "sub" / "new.py").write_text("NEW = 1\n")
    commit = git(module, "rev-parse", "HEAD")
    lines = capture(repo, None).diff.splitlines()
    assert lines[:2] == [
        f'submodule "sub" {commit} {module}',
        "diff --git a/sub/new.py b/sub/new.py",
    ]


def test_a_repository_within_the_folder_is_warned_about(repo: Path) -> None:
    (repo / "nested").mkdir()
    git(repo / "nested", "init", "--quiet")
    (repo / "nested" / "n.py").write_text("N = 1\n")
    found = capture(repo, None)
    assert found.diff == ""
    assert found.notes == ["nested/ is a repository of its own: it is not sent"]


def test_too_much_to_send_names_the_largest_files(repo: Path) -> None:
    (repo / "data.bin").write_bytes(b"x" * 5000)
    (repo / "small.txt").write_text("small\n")
    with pytest.raises(TaskyardError, match=r"the largest: data\.bin \(4\.9 KiB\)") as raised:
        capture(repo, None, limit=4096)
    assert ".gitignore" in raised.value.hint


def test_a_large_change_of_a_tracked_file_is_named_too(repo: Path) -> None:
    (repo / "train.py").write_text("print('long')\n" * 1000)
    with pytest.raises(TaskyardError, match=r"the largest: train\.py"):
        capture(repo, None, limit=4096)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskyardError, match="no such folder"):
        capture(tmp_path / "gone", None)
