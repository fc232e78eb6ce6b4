"""The agent dies by signal 9 in each step of an attempt, alone or with the run's supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskyard.agent.run import folder as folders
from taskyard.agent.run.steps import STEPS
from tests.beds.agent import Agent, Site
from tests.beds.repositories import git
from tests.beds.waiting import until

NAMES: list[str] = [*(name for name, _ in STEPS), "launch"]

WAIT = 'touch "{at}.reached"; while [ ! -e "{at}.go" ]; do sleep 0.05; done'
GIT = f"""#!/bin/sh
case "$GIT_DIR $*" in
*/source.*" fetch "*) {WAIT.format(at="{root}/source")} ;;
*" apply "*) {WAIT.format(at="{root}/patch")} ;;
esac
exec {shutil.which("git")} "$@"
"""
BUILD = """
import pathlib, time
from setuptools import setup
pathlib.Path("{at}.reached").touch()
while not pathlib.Path("{at}.go").exists():
    time.sleep(0.05)
setup(name="slow", version="1", py_modules=[])
"""
RUNS = "print('the code ran', flush=True)\n"
WAITS = """
import pathlib, time
pathlib.Path("{at}.reached").touch()
while not pathlib.Path("{at}.go").exists():
    time.sleep(0.05)
"""
DIFF = """\
diff --git a/more.txt b/more.txt
new file mode 100644
--- /dev/null
+++ b/more.txt
@@ -0,0 +1 @@
+more
"""


class Held:
    """A task for each step, in which it is held until there is a file: all at the same time."""

    def __init__(self, site: Site, root: Path, *, with_supervisor: bool) -> None:
        self.site, self.root = site, root
        self.queue = site.new_queue()
        self._write("bin/git", GIT.replace("{root}", str(root)))
        (root / "bin" / "git").chmod(stat.S_IRWXU)
        self.agent = self._agent()
        self.tasks = {name: self._submit(name) for name in NAMES}
        self.runs = {name: self.agent.run_folder(task) for name, task in self.tasks.items()}
        for name in NAMES:
            until((root / f"{name}.reached").exists, f"the step {name}")
        self.reached = {
            name: folders.read_state(run).phases[-1].name for name, run in self.runs.items()
        }
        self.agent.kill()
        if with_supervisor:
            for run in self.runs.values():
                os.kill(folders.read_state(run).supervisor, signal.SIGKILL)
        for name in NAMES:
            (root / f"{name}.go").touch()
        self._agent(self.agent.worker)

    def _agent(self, worker: str = "") -> Agent:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        flags = ("--queue", self.queue, "--services-mode")
        return self.site.agent(*flags, worker=worker, environment={"PATH": path})

    def _write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _submit(self, name: str) -> str:
        """A task with something to do in that step; if killed with its supervisor, tried again."""
        at = self.root / name
        body: dict[str, Any] = {"script": {"entry_point": "main.py", "diff": RUNS}}
        script = body["script"]
        if name in ("source", "patch"):
            script["diff"] = DIFF if name == "patch" else ""
            script["repository"] = str(self._repository(name))
        elif name == "setup":
            body["container"] = {"setup_shell_script": WAIT.format(at=at)}
        elif name == "environment":
            self._write("slow/setup.py", BUILD.format(at=at))
            script["requirements"] = {"pip": f"slow @ {(self.root / 'slow').as_uri()}"}
        else:
            script["diff"] = WAITS.format(at=at) + RUNS
        policy = {"max": 1, "causes": ["worker lost"], "delay": 0}
        made = self.site.api("tasks.create", name=name, type="training", retry=policy, **body)
        self.site.api("tasks.enqueue", task=made["id"], queue_name=self.queue)
        return str(made["id"])

    def _repository(self, name: str) -> Path:
        self._write(f"{name}/main.py", RUNS)
        folder = self.root / name
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=one")
        return folder


@pytest.fixture(scope="module")
def alone(shared_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    yield Held(shared_site, tmp_path_factory.mktemp("alone"), with_supervisor=False)
    shared_site.end_programs()


@pytest.fixture(scope="module")
def together(shared_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    yield Held(shared_site, tmp_path_factory.mktemp("together"), with_supervisor=True)
    shared_site.end_programs()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_goes_on_without_its_agent(alone: Held, name: str) -> None:
    site, task = alone.site, alone.tasks[name]
    assert alone.reached[name] == name
    assert site.ended(task)["status"] == "completed", site.console(task)
    (attempt,) = site.attempts(task)
    assert [phase["name"] for phase in attempt["phases"]] == NAMES
    assert site.console(task).count("the code ran\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_its_supervisor_is_lost_and_done_anew_or_goes_on(
    together: Held, name: str
) -> None:
    site, task = together.site, together.tasks[name]
    assert together.reached[name] == name
    assert site.ended(task)["status"] == "completed", site.console(task)
    states = [attempt["state"] for attempt in site.attempts(task)]
    # What is running has a keeper that knows how it ends; what is prepared has nobody.
    assert states == (["completed"] if name == "launch" else ["failed", "completed"])
    assert site.console(task).count("the code ran\n") == 1
