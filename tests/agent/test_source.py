"""Where a task's code comes from, over a real git server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from taskyard.agent.run import git as command
from taskyard.agent.run.git import GitFailed
from taskyard.agent.run.source import resolve
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError
from tests.agent.served import Bed, commit
from tests.beds.gitserver import serve
from tests.beds.repositories import git


def test_the_recorded_commit_is_checked_out(bed: Bed, url: str) -> None:
    first = git(bed.work, "rev-parse", "HEAD")
    commit(bed.work, train__py="print(2)\n")
    bed.push()
    assert bed.fetch(Code(repository=url, commit=first, branch="main")) == first
    assert (bed.runs / "run" / "train.py").read_text() == "print(1)\n"


def test_an_abbreviated_commit_is_enough(bed: Bed, url: str) -> None:
    first = git(bed.work, "rev-parse", "HEAD")
    assert bed.fetch(Code(repository=url, commit=first[:9])) == first


def test_a_branch_means_its_newest_commit(bed: Bed, url: str) -> None:
    bed.fetch(Code(repository=url, branch="main"), "first")
    newest = commit(bed.work, train__py="print(2)\n")
    bed.push()
    assert bed.fetch(Code(repository=url, branch="main"), "second") == newest


def test_nothing_recorded_means_the_default_branch(bed: Bed, url: str) -> None:
    assert bed.fetch(Code(repository=url)) == git(bed.work, "rev-parse", "main")


def test_an_annotated_tag_is_followed_to_its_commit(bed: Bed, url: str) -> None:
    tagged = git(bed.work, "rev-parse", "HEAD")
    git(bed.work, "tag", "--annotate", "--message=one", "v1")
    bed.push("v1")
    assert bed.fetch(Code(repository=url, tag="v1", branch="main")) == tagged


def test_a_commit_on_no_branch_is_asked_for_by_its_hash(bed: Bed, url: str) -> None:
    rewritten = commit(bed.work, train__py="print(2)\n")
    bed.push("HEAD:refs/changes/1")
    assert bed.fetch(Code(repository=url, commit=rewritten)) == rewritten


def test_a_known_commit_needs_no_network(bed: Bed) -> None:
    head = git(bed.work, "rev-parse", "HEAD")
    with serve(bed.served.parent) as root:
        code = Code(repository=f"{root}/code.git", commit=head)
        bed.fetch(code, "first")
    assert bed.fetch(code, "second") == head
    assert (bed.runs / "second" / "train.py").exists()


def test_a_commit_checked_out_before_takes_one_git_process(
    bed: Bed, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = Code(repository=url, commit=git(bed.work, "rev-parse", "HEAD"))
    bed.fetch(code, "first")
    asked: list[str] = []
    run = command.run

    def counted(*args: str, **options: Any) -> bytes:
        asked.append(" ".join(args))
        return run(*args, **options)

    monkeypatch.setattr(command, "run", counted)
    assert bed.fetch(code, "second") == code.commit
    assert [words.split()[2] for words in asked] == ["read-tree"]


def test_large_files_without_git_lfs_are_announced_as_pointers_at_every_start(
    bed: Bed, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = commit(bed.work, __gitattributes="*.bin filter=lfs diff=lfs merge=lfs -text\n")
    bed.push()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(programs))
    for name in ("first", "second"):
        bed.said.clear()
        bed.fetch(Code(repository=url, commit=head), name)
        assert any("git-lfs is not installed" in line for line in bed.said)


def test_a_known_tag_needs_no_network(bed: Bed) -> None:
    git(bed.work, "tag", "v1")
    bed.push("v1")
    with serve(bed.served.parent) as root:
        code = Code(repository=f"{root}/code.git", tag="v1")
        bed.fetch(code, "first")
    assert bed.fetch(code, "second") == git(bed.work, "rev-parse", "v1")


def test_without_a_repository_there_is_an_empty_folder(bed: Bed) -> None:
    assert bed.fetch(Code()) == ""
    assert list((bed.runs / "run").iterdir()) == []


def test_git_in_the_working_tree_sees_an_ordinary_clean_clone(bed: Bed, url: str) -> None:
    git(bed.work, "tag", "v1")
    bed.push("main", "v1")
    head = bed.fetch(Code(repository=url, branch="main"))
    run = bed.runs / "run"
    assert git(run, "rev-parse", "HEAD", "origin/main") == f"{head}\n{head}"
    assert git(run, "describe", "--tags") == "v1"
    assert git(run, "status", "--porcelain") == ""
    assert git(run, "remote", "get-url", "origin") == url


def test_what_a_task_does_with_git_does_not_reach_the_mirror(bed: Bed, url: str) -> None:
    code = Code(repository=url, commit=bed.fetch(Code(repository=url), "first"))
    first = bed.runs / "first"
    git(first, "update-ref", "-d", "refs/remotes/origin/main")
    git(first, "config", "core.bare", "true")
    git(first, "config", "core.bare", "false")
    git(first, "reflog", "expire", "--expire=now", "--all")
    git(first, "gc", "--quiet", "--prune=now")
    shutil.rmtree(first)
    bed.fetch(code, "second")
    assert git(bed.runs / "second", "rev-parse", "origin/main") == code.commit


def test_a_submodule_comes_along_and_needs_no_network_the_second_time(bed: Bed) -> None:
    library = bed.served.parent / "library.git"
    shutil.copytree(bed.served, library)
    with serve(bed.served.parent) as root:
        git(bed.work, "submodule", "--quiet", "add", f"{root}/library.git", "libs/one")
        git(bed.work, "config", "-f", ".gitmodules", "submodule.libs/one.url", "../library.git")
        head = commit(bed.work)
        bed.push()
        code = Code(repository=f"{root}/code.git", commit=head)
        bed.fetch(code, "first")
    bed.fetch(code, "second")
    run = bed.runs / "second"
    assert (run / "libs" / "one" / "train.py").read_text() == "print(1)\n"
    assert git(run, "status", "--porcelain") == ""
    recorded = git(run, "rev-parse", "HEAD:libs/one")
    assert git(run, "submodule", "status").split()[:2] == [recorded, "libs/one"]


def test_a_submodule_may_not_name_a_folder_of_the_machine(bed: Bed, url: str) -> None:
    git(
        bed.work, "-c", "protocol.file.allow=always",
        "submodule", "--quiet", "add", str(bed.served), "sub",
    )  # fmt: skip
    head = commit(bed.work)
    bed.push()
    with pytest.raises(RunError, match=r"submodule sub .* names a folder of this machine"):
        bed.fetch(Code(repository=url, commit=head))


@pytest.mark.parametrize(
    ("parent", "relative", "absolute"),
    [
        ("https://h/team/code.git", "../lib.git", "https://h/team/lib.git"),
        ("https://h/team/code.git", "../../other/lib.git", "https://h/other/lib.git"),
        ("git@h:team/code.git", "../lib.git", "git@h:team/lib.git"),
        ("/srv/code.git", "../lib.git", "/srv/lib.git"),
        ("https://h/team/code.git", "https://else/lib.git", "https://else/lib.git"),
    ],
)
def test_relative_submodule_urls_start_at_their_parent(
    parent: str, relative: str, absolute: str
) -> None:
    assert resolve(parent, relative) == absolute


def test_a_host_that_does_not_answer_is_unreachable(bed: Bed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/code.git"
        with pytest.raises(RunError, match="host unreachable"):
            bed.fetch(Code(repository=nobody, commit="a" * 40))


def test_a_host_that_never_finishes_is_given_up(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SILENCE", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        silent = f"git://127.0.0.1:{listener.getsockname()[1]}/code.git"
        with pytest.raises(RunError, match="host unreachable") as raised:
            bed.fetch(Code(repository=silent, commit="a" * 40))
    assert "timed out" in raised.value.tail


def test_a_repository_that_is_not_there_is_named(bed: Bed, url: str) -> None:
    with pytest.raises(RunError, match=r"repository not found: http://127.*/other\.git"):
        bed.fetch(Code(repository=url.replace("code", "other"), commit="a" * 40))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (Code(commit="a" * 40), f"commit {'a' * 40} is not in"),
        (Code(branch="gone"), "branch gone is not in"),
        (Code(tag="v9"), "tag v9 is not in"),
        (Code(commit="--upload-pack=x"), "not a commit: --upload-pack=x"),
    ],
)
def test_what_the_repository_does_not_have_is_named(
    bed: Bed, url: str, code: Code, message: str
) -> None:
    code.repository = url
    with pytest.raises(RunError, match=message) as raised:
        bed.fetch(code)
    assert raised.value.hint


def test_a_full_disk_is_its_own_cause() -> None:
    words = "error: unable to write file x: No space left on device\nfatal: index-pack failed"
    assert command.diagnose(GitFailed("fetch", words), "x").cause is Cause.DISK_FULL


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("ssh: Could not resolve hostname h: Name or service not known", "host unreachable"),
        ("git@h: Permission denied (publickey).", "authentication refused"),
        ("Host key verification failed.", "ssh host key"),
        ("ERROR: Repository not found.\nfatal: Could not read", "repository not found"),
        ("fatal: unable to access 'https://h/': server certificate verification failed", "TLS"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", "unreach"),
    ],
)
def test_git_messages_become_failure_classes(words: str, message: str) -> None:
    assert message in command.diagnose(GitFailed("fetch", words), "it").what


def test_failures_show_no_credentials_of_urls() -> None:
    failure = GitFailed("fetch", "fatal: unable to access 'https://ada:s3c@ret@h/x/': no")
    assert "s3c" not in f"{failure} {failure.tail} {failure.stderr}"


def test_a_damaged_mirror_is_made_anew(bed: Bed, url: str) -> None:
    code = Code(repository=url, commit=bed.fetch(Code(repository=url), "first"))
    for pack in bed.cache.glob("mirrors/code.*/objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:40])
    bed.fetch(code, "second")
    assert (bed.runs / "second" / "train.py").exists()
    assert any("damaged" in line for line in bed.said)


def test_locks_and_half_packs_of_a_killed_fetch_do_not_stop_the_next_one(
    bed: Bed, url: str
) -> None:
    bed.fetch(Code(repository=url), "first")
    (mirror,) = bed.cache.glob("mirrors/code.*[0-9a-f]")
    (mirror / "packed-refs.lock").touch()
    (mirror / "objects" / "pack" / "tmp_pack_x").write_bytes(b"half")
    newest = commit(bed.work, train__py="print(2)\n")
    bed.push()
    assert bed.fetch(Code(repository=url, commit=newest), "second") == newest
    assert not (mirror / "objects" / "pack" / "tmp_pack_x").exists()


def test_a_process_killed_while_it_clones_leaves_no_broken_mirror(bed: Bed, url: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        stuck = f"git://127.0.0.1:{listener.getsockname()[1]}/code.git"
        script = (
            "import sys, pathlib as p; from taskyard.agent.run.source import fetch;"
            "from taskyard.agent.run.spec import Code;"
            "fetch(Code(repository=sys.argv[1], commit='a'*40), git={}, cache=p.Path(sys.argv[2]),"
            " into=p.Path(sys.argv[3]), say=print)"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script, stuck, str(bed.cache), str(bed.runs / "killed")]
        )
        accepted, _ = listener.accept()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert list(bed.cache.glob("mirrors/*.partial.*"))
        accepted.close()
    with pytest.raises(RunError, match="host unreachable"):
        bed.fetch(Code(repository=stuck, commit="a" * 40))
    assert [p.suffix for p in (bed.cache / "mirrors").iterdir()] == [".lock"]


def test_attempts_that_start_together_share_one_clone(bed: Bed, url: str) -> None:
    head = git(bed.work, "rev-parse", "HEAD")
    threads = [
        threading.Thread(target=bed.fetch, args=(Code(repository=url, commit=head), f"run{n}"))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(bed.runs.glob("run*/train.py"))) == 4
    assert len([line for line in bed.said if line.startswith("cloning")]) == 1
