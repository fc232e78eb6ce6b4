"""A real project, from the folder somebody works in to another machine and back.

The repository is served over HTTP with a password, and the folder has changes that nobody has
committed: a changed file, a new one, and one that is not text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds import gitserver
from tests.beds.agent import Site
from tests.beds.waiting import until

DIGITS = Path(__file__).parent.parent.parent / "examples" / "digits"
PIXELS = bytes(range(256)) * 3
NEW_MODULE = "NOTE = 'from a file that nobody has added'\n"


def git(*words: str, cwd: Path) -> str:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A Person"), ("EMAIL", "person@example.com"))
    }
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Project:
    """The digits project as somebody works on it."""

    def __init__(self, root: Path, remote: str) -> None:
        self.folder = root / "work" / "digits"
        self.served = root / "served" / "digits.git"
        self.remote = f"{remote}/digits.git"
        shutil.copytree(DIGITS, self.folder, ignore=shutil.ignore_patterns("__pycache__", "out"))
        git("init", "-q", "-b", "main", cwd=self.folder)
        git("add", "-A", cwd=self.folder)
        git("commit", "-q", "-m", "Read digits", cwd=self.folder)
        git("clone", "-q", "--bare", ".", str(self.served), cwd=self.folder)
        git("remote", "add", "origin", str(self.served), cwd=self.folder)
        git("fetch", "-q", "origin", cwd=self.folder)
        git("branch", "-q", "--set-upstream-to=origin/main", cwd=self.folder)
        # Only now: the person's own git has a password helper, the tests' has none.
        git("remote", "set-url", "origin", self.remote, cwd=self.folder)
        self.commit = git("rev-parse", "HEAD", cwd=self.folder)
        self._change()

    def _change(self) -> None:
        (self.folder / "pixels.bin").write_bytes(PIXELS)
        (self.folder / "remark.py").write_text(NEW_MODULE)
        for name in ("train.py", "train_tracked.py"):
            script = self.folder / name
            changed = script.read_text().replace(
                "    args = parser().parse_args()\n",
                "    args = parser().parse_args()\n"
                "    import remark\n"
                "    print(remark.NOTE, len(Path('pixels.bin').read_bytes()), args.lr)\n",
            )
            assert "remark.NOTE" in changed
            script.write_text(changed)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("project")
    (root / "served").mkdir()
    with gitserver.serve(root / "served", "reader", "git-secret-1") as url:
        yield Project(root, url)


@pytest.fixture(scope="module")
def agent_queue(shared_site: Site) -> Iterator[str]:
    """A queue that an agent serves which knows the password of the git server."""
    queue = shared_site.new_queue()
    login = {"CLEARML_AGENT_GIT_USER": "reader", "CLEARML_AGENT_GIT_PASS": "git-secret-1"}
    shared_site.agent("--queue", queue, environment=login)
    yield queue
    shared_site.end_programs()


@pytest.fixture(scope="module")
def plain(shared_site: Site, project: Project, agent_queue: str) -> dict[str, Any]:
    """The plain script, run and followed: what was printed, and the task it became."""
    words = ["run", "--queue", agent_queue, "train.py", "--epochs", "2", "--lr", "0.05"]
    done = shared_site.taskyard(*words, cwd=project.folder)
    assert done.returncode == 0, done.stderr + done.stdout
    task = shared_site.printed("ps", "-a", "-q", "-n", "1")
    return {"printed": done.stdout, "task": shared_site.task(task)}


@pytest.fixture(scope="module")
def cloned(shared_site: Site, agent_queue: str, plain: dict[str, Any]) -> str:
    """A clone of the plain script's task with another value, run to its end."""
    task = plain["task"]["id"]
    copy = shared_site.printed("clone", task, "--set", "lr=0.2", "--queue", agent_queue)
    shared_site.ended(copy)
    return copy


@pytest.fixture(scope="module")
def again(shared_site: Site, agent_queue: str, cloned: str, project: Project) -> str:
    """The same once more, while the git server has lost the repository."""
    served = project.served.rename(project.served.with_name("away.git"))
    try:
        copy = shared_site.printed("clone", cloned, "--queue", agent_queue)
        shared_site.ended(copy)
    finally:
        served.rename(project.served)
    return copy


@pytest.fixture(scope="module")
def tracked(shared_site: Site, project: Project, agent_queue: str, plain: object) -> dict[str, Any]:
    """The script that uses the SDK, run to its end; the task."""
    words = ["submit", "--queue", agent_queue, "train_tracked.py", "--epochs", "2", "--lr", "0.05"]
    task = shared_site.printed(*words, cwd=project.folder)
    found = shared_site.ended(task, seconds=180)
    assert found["status"] == "completed", shared_site.console(task)
    return found


class TestPlainScript:
    def test_runs_with_its_arguments_and_all_that_nobody_has_committed(
        self, plain: dict[str, Any]
    ) -> None:
        assert f"from a file that nobody has added {len(PIXELS)} 0.05" in plain["printed"]
        assert "final accuracy" in plain["printed"]

    def test_records_the_code_it_ran_without_the_password(
        self, plain: dict[str, Any], project: Project
    ) -> None:
        script = plain["task"]["script"]
        assert script["repository"] == project.remote
        assert script["version_num"] == project.commit
        assert "remark.NOTE" in script["diff"]
        assert "git-secret-1" not in str(plain["task"])

    def test_records_the_packages_that_were_really_installed(self, plain: dict[str, Any]) -> None:
        installed = plain["task"]["script"]["requirements"]["pip"]
        assert "scikit-learn==1.5.2" in installed
        assert "numpy==" in installed

    def test_says_how_long_each_step_took(self, plain: dict[str, Any], shared_site: Site) -> None:
        (attempt,) = shared_site.attempts(plain["task"]["id"])
        names = [phase["name"] for phase in attempt["phases"]]
        assert names == ["source", "patch", "setup", "environment", "launch"]
        assert all(phase["ended"] >= phase["started"] for phase in attempt["phases"])

    def test_shows_no_password_to_its_agents_log_or_console(
        self, plain: dict[str, Any], shared_site: Site
    ) -> None:
        logs = "".join(log.read_text() for log in shared_site.root.glob("worker*.log"))
        assert "git-secret-1" not in logs + shared_site.console(plain["task"]["id"])

    def test_cloned_runs_with_a_new_value_on_its_command_line(
        self, cloned: str, shared_site: Site
    ) -> None:
        assert "lr=0.2" in shared_site.console(cloned)

    def test_runs_again_without_its_git_server(self, again: str, shared_site: Site) -> None:
        assert shared_site.status(again) == "completed"

    def test_uses_the_environment_again_that_is_there(self, again: str, shared_site: Site) -> None:
        (attempt,) = shared_site.attempts(again)
        details = {phase["name"]: phase.get("detail", "") for phase in attempt["phases"]}
        assert "used before" in details["environment"]


class TestTrackedScript:
    def test_reports_scalars(self, tracked: dict[str, Any], shared_site: Site) -> None:
        found = shared_site.api("events.scalar_metrics_iter_histogram", task=tracked["id"])
        assert found["loss"]["train"]["x"] == [1, 2]
        assert len(found["accuracy"]["test"]["y"]) == 2

    def test_leaves_artifacts_that_can_be_read_back(
        self, tracked: dict[str, Any], shared_site: Site
    ) -> None:
        artifacts = {a["key"]: a for a in tracked["execution"]["artifacts"]}
        assert {"model", "confusion"} <= set(artifacts)
        session = shared_site.session()
        path = artifacts["confusion"]["uri"].removeprefix(f"{session.url}/files/")
        assert session.get_file(path).startswith(b"\x89PNG")

    def test_keeps_the_repository_commit_and_changes_it_was_submitted_with(
        self, tracked: dict[str, Any], project: Project
    ) -> None:
        script = tracked["script"]
        assert (script["repository"], script["version_num"]) == (project.remote, project.commit)
        assert "remark.NOTE" in script["diff"]

    def test_prints_each_line_once(self, tracked: dict[str, Any], shared_site: Site) -> None:
        console = shared_site.console(tracked["id"])
        assert console.count("from a file that nobody has added") == 1
        assert console.count("final accuracy") == 1

    def test_cloned_reads_a_new_value_from_the_server(
        self, tracked: dict[str, Any], shared_site: Site, agent_queue: str
    ) -> None:
        copy = shared_site.printed("clone", tracked["id"], "--set", "lr=0.2")
        shared_site.printed("edit", copy, "--set", "Reporting/note=changed")
        shared_site.printed("enqueue", copy, "--queue", agent_queue)
        assert shared_site.ended(copy, seconds=180)["status"] == "completed"
        assert "lr=0.2 final accuracy" in shared_site.console(copy)

    def test_its_machines_load_is_recorded(
        self, tracked: dict[str, Any], shared_site: Site
    ) -> None:
        def recorded() -> bool:
            # Statistics leave out the interval that is not over yet; the keys are there at once.
            try:
                found = shared_site.api(
                    "workers.get_metric_keys", worker_ids=[tracked["last_worker"]]
                )
            except ApiError:
                return False
            return {"cpu", "memory"} <= {category["name"] for category in found["categories"]}

        until(recorded, "measurements of the machine")
