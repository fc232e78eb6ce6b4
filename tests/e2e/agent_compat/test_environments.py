"""What the agent builds for a task: its code out of git, its changes, its packages."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.beds.gitserver import serve
from tests.beds.repositories import git
from tests.e2e.agent_compat.machine import Machine

USER, PASSWORD = "ada", "word"
MAIN = "import six\n\nprint('committed with six', six.__version__)\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone with one commit."""
    folder = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    (folder / "main.py").write_text(MAIN)
    git(folder, "add", "main.py")
    git(folder, "commit", "--quiet", "--message=begin")
    return folder


@pytest.fixture
def repository(work: Path, tmp_path: Path) -> Iterator[str]:
    """The address of its repository, on a git server that wants a password."""
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "work", "served/code.git")
    with serve(tmp_path / "served", USER, PASSWORD) as url:
        yield f"{url}/code.git"


def test_a_task_gets_its_repository_its_changes_and_its_packages(
    machine: Machine, queue: str, repository: str, work: Path
) -> None:
    (work / "main.py").write_text(MAIN.replace("committed", "changed"))
    machine.build_environments()
    machine.daemon("--queue", queue, CLEARML_AGENT_GIT_USER=USER, CLEARML_AGENT_GIT_PASS=PASSWORD)
    diff = git(work, "diff")
    script = {
        "repository": repository,
        "branch": "main",
        "entry_point": "main.py",
        "working_dir": ".",
        "binary": "python3",
        "diff": diff,
        "requirements": {"pip": "six>=1.16,<2"},
    }
    task = machine.task("", queue, script=script)
    found = machine.wait_for(task, "completed", "failed")
    console = machine.console(task)
    assert found["status"] == "completed", console[-3000:]
    assert "changed with six" in console
    assert found["script"]["version_num"] == git(work, "rev-parse", "HEAD").strip()
    requirements = found["script"]["requirements"]
    version = console.split("changed with six ")[1].split()[0]
    assert f"six=={version}" in requirements["pip"]
    assert requirements["org_pip"] == "six>=1.16,<2"
    assert found["script"]["diff"].strip() == diff.strip()


def test_build_with_uv_leaves_an_environment_to_run_the_task_in(
    machine: Machine, tmp_path: Path
) -> None:
    machine.build_environments()
    target = tmp_path / "built"
    task = machine.task(MAIN, name="to build")
    variables = {
        "CLEARML_AGENT_FORCE_UV": "1",
        "CLEARML_BOOTSTRAP_UV_EXEC": find_uv_bin(),
        # Outside containers this agent goes on with pip, which uv leaves out by itself.
        "UV_VENV_SEED": "1",
    }
    machine.printed("build", "--id", task, "--target", str(target), **variables)
    assert machine.status(task) == "created"
    assert (target / "code" / "main.py").read_text().strip() == MAIN.strip()
    where = [str(target / "bin" / "python"), "-c", "import sys; print(sys.prefix)"]
    done = subprocess.run(where, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == str(target)
