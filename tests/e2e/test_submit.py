"""Code that is sent by ``submit`` and ``run`` in the form of ``clearml-task``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.beds.agent import Site
from tests.beds.repositories import git


def test_a_repository_runs_with_no_folder_of_it_here(
    shared_site: Site, serving: str, tmp_path: Path
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    (remote / "train.py").write_text("import sys\nprint('args', *sys.argv[1:])\n")
    git(remote, "init", "--quiet", "--initial-branch", "main")
    git(remote, "add", ".")
    git(remote, "commit", "--quiet", "--message", "Train")
    words = ["--repo", f"file://{remote}", "--script", "train.py", "--args", "lr=0.3", "steps=2"]
    done = shared_site.taskyard("run", "--queue", serving, *words, cwd=tmp_path)
    assert done.stdout.endswith("args --lr 0.3 --steps 2\n"), done.stderr


def test_a_task_runs_again_with_another_argument(
    shared_site: Site, serving: str, folder: Path
) -> None:
    first = shared_site.printed("submit", "--draft", "main.py", "--lr", "0.1", cwd=folder)
    words = ["--base-task-id", first, "--args", "lr=0.7", "--tags", "a", "b", "--name", "again"]
    task = shared_site.printed("submit", "--queue", serving, *words, cwd=folder)
    shared_site.printed("wait", task)
    assert shared_site.printed("logs", task) == "args --lr 0.7"
    shown = json.loads(shared_site.printed("show", task, "-o", "json"))
    assert (shown["name"], shown["tags"]) == ("again", ["a", "b"])


def test_an_image_that_an_agent_without_containers_cannot_give_is_told(
    shared_site: Site, serving: str, folder: Path
) -> None:
    words = ["run", "--queue", serving, "--docker", "some:image", "main.py"]
    done = shared_site.taskyard(*words, cwd=folder)
    assert done.returncode == 0
    assert "the task asks for the image some:image" in done.stdout
    assert "start it with --docker" in done.stdout
