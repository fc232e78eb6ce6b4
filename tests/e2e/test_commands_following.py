"""Commands that follow tasks: their output, their exit codes, and what is left behind."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.beds.agent import TASKYARD, WAITS, Site
from tests.beds.waiting import until


class TestRun:
    def test_prints_what_the_task_prints_and_nothing_else(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        done = shared_site.taskyard("run", "--queue", serving, "main.py", "--lr", "0.1", cwd=folder)
        lines = done.stdout.splitlines()
        assert [line for line in lines if not line.startswith("[taskyard]")] == ["args --lr 0.1"]
        assert done.returncode == 0

    def test_has_nothing_to_follow_of_a_draft(self, shared_site: Site, folder: Path) -> None:
        done = shared_site.taskyard("run", "--draft", "main.py", cwd=folder)
        assert "taskyard enqueue" in done.stderr
        assert done.returncode == 0

    def test_exits_with_the_tasks_own_code(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        done = shared_site.taskyard("run", "--queue", serving, "exits.py", "7", cwd=folder)
        assert done.returncode == 7
        assert "failed: user code: exit code 7: bye" in done.stderr

    def test_exits_with_125_when_the_task_could_not_be_started(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        words = ["run", "--queue", serving, "--packages", "no-such-package-of-taskyard", "main.py"]
        done = shared_site.taskyard(*words, cwd=folder)
        assert done.returncode == 125
        assert "failed: environment: " in done.stderr

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["-m", "package.module", "--queue", "its own"], "module --queue its own"),
            (["--env", "GREETING=good day", "greet.sh", "hello"], "shell says hello good day"),
        ],
        ids=["a module with its own flags", "a shell script with variables"],
    )
    def test_runs(
        self, shared_site: Site, serving: str, folder: Path, words: list[str], said: str
    ) -> None:
        done = shared_site.taskyard("run", "--queue", serving, *words, cwd=folder)
        assert said in done.stdout

    def test_ctrl_c_detaches_and_the_task_goes_on(
        self, shared_site: Site, serving: str, folder: Path, tmp_path: Path
    ) -> None:
        (folder / "waits.py").write_text(WAITS.format(go=tmp_path / "go"))
        words = [*TASKYARD, "run", "--queue", serving, "waits.py"]
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=shared_site.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        while process.stdout.readline() != "up\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "taskyard logs -f " in said
        task = shared_site.printed("ps", "-q", "-n", "1")
        (tmp_path / "go").touch()
        assert shared_site.ended(task)["status"] == "completed"


class TestWaiting:
    def test_wait_exits_with_the_tasks_code(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        task = shared_site.printed("submit", "--queue", serving, "exits.py", "4", cwd=folder)
        assert shared_site.taskyard("wait", task).returncode == 4

    def test_wait_gives_up_in_time(self, shared_site: Site, drafts: list[str]) -> None:
        done = shared_site.taskyard("wait", drafts[0], "--timeout", "0.1")
        assert done.returncode == 7

    def test_logs_shows_the_end_and_what_matches(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        (folder / "lines.py").write_text("for n in range(30):\n    print('line', n, flush=True)\n")
        task = shared_site.printed("submit", "--queue", serving, "lines.py", cwd=folder)
        shared_site.ended(task)
        assert shared_site.printed("logs", task, "--grep", "line 1$") == "line 1"
        assert shared_site.printed("logs", task, "--tail", "2").endswith("line 29")
        assert "line 29" in shared_site.printed("logs", "-f", task)
        said = shared_site.printed("logs", "-f", "--grep", "line 2[0-2]", task)
        assert said.splitlines() == ["line 20", "line 21", "line 22"]
        assert shared_site.printed("logs", task, "--since", "1h").endswith("line 29")
        assert shared_site.printed("logs", task, "--since", "2099-01-01") == ""

    def test_logs_of_one_run_only(self, shared_site: Site, serving: str, folder: Path) -> None:
        (folder / "counts.py").write_text(
            "import os\nprint('run', os.environ['TASKYARD_ATTEMPT'])\nraise SystemExit(3)\n"
        )
        task = shared_site.printed("submit", "--queue", serving, "counts.py", cwd=folder)
        shared_site.ended(task)
        shared_site.printed("retry", task)
        until(lambda: len(shared_site.attempts(task)) == 2, "the second attempt")
        shared_site.ended(task)
        runs = ["--attempt", "2"], ["--previous"]
        said = [shared_site.printed("logs", task, *which).splitlines() for which in runs]
        assert ["run 2" in said[0], "run 1" in said[0]] == [True, False]
        assert ["run 2" in said[1], "run 1" in said[1]] == [False, True]

    def test_explain_says_who_is_missing(self, shared_site: Site, drafts: list[str]) -> None:
        queue = shared_site.new_queue()
        shared_site.printed("enqueue", drafts[0], "--queue", queue)
        said = shared_site.printed("explain", drafts[0])
        assert f"no worker serves the queue {queue}" in said
        assert f"taskyard agent daemon --queue {queue}" in said
