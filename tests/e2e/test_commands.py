"""The contract of the command line: streams, exit codes, forms of output, ids."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds.agent import TASKYARD, Site
from tests.beds.waiting import until

WAITS = """
import pathlib, sys, time
print("up", *sys.argv[1:], flush=True)
while not pathlib.Path("{go}").exists():
    time.sleep(0.02)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with scripts, in no repository."""
    (tmp_path / "main.py").write_text("import sys\nprint('args', *sys.argv[1:])\n")
    (tmp_path / "exits.py").write_text("import sys\nprint('bye')\nsys.exit(int(sys.argv[1]))\n")
    (tmp_path / "greet.sh").write_text('echo "shell says $1 $GREETING"\n')
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "module.py").write_text("import sys\nprint('module', *sys.argv[1:])\n")
    return tmp_path


@pytest.fixture(scope="module")
def serving(shared_site: Site) -> Iterator[str]:
    """A queue with an agent that runs many tasks at once."""
    queue = shared_site.new_queue()
    agent = shared_site.agent("--queue", queue, "--services-mode", lasting=True)
    yield queue
    agent.end()


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

    def test_runs_a_module_with_its_own_flags(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        words = ["run", "--queue", serving, "-m", "package.module", "--queue", "its own"]
        done = shared_site.taskyard(*words, cwd=folder)
        assert "module --queue its own" in done.stdout

    def test_runs_a_shell_script_with_variables(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        words = ["run", "--queue", serving, "--env", "GREETING=good day", "greet.sh", "hello"]
        done = shared_site.taskyard(*words, cwd=folder)
        assert "shell says hello good day" in done.stdout

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


def test_submit_prints_the_id_and_warns_when_nobody_serves_the_queue(
    shared_site: Site, folder: Path
) -> None:
    queue = shared_site.new_queue()
    done = shared_site.taskyard("submit", "--queue", queue, "main.py", cwd=folder)
    assert len(done.stdout.strip()) == 32
    assert f"no worker serves the queue {queue}" in done.stderr


@pytest.fixture
def drafts(shared_site: Site) -> list[str]:
    """Three drafts, the newest last."""
    return [
        str(shared_site.api("tasks.create", name=f"draft {n}", type="training")["id"])
        for n in range(3)
    ]


class TestIds:
    def test_a_prefix_will_do(self, shared_site: Site, drafts: list[str]) -> None:
        shown = shared_site.printed("show", drafts[0][:12], "-o", "json")
        assert json.loads(shown)["id"] == drafts[0]

    def test_an_ambiguous_prefix_lists_the_candidates(self, shared_site: Site) -> None:
        # A prefix has four digits or more: it takes some hundred tasks until two share one.
        session = shared_site.session()
        by_prefix: dict[str, list[str]] = {}
        while not (same := [found for found in by_prefix.values() if len(found) > 1]):
            task = session.raw("tasks.create", {"name": "many", "type": "training"})["id"]
            by_prefix.setdefault(task[:4], []).append(task)
        done = shared_site.taskyard("show", same[0][0][:4])
        assert done.returncode == 3
        assert all(task[:12] in done.stderr for task in same[0])

    def test_last_is_the_newest(self, shared_site: Site, drafts: list[str]) -> None:
        assert json.loads(shared_site.printed("show", "last", "-o", "json"))["id"] == drafts[2]

    def test_a_name_will_do_when_one_task_has_it(self, shared_site: Site) -> None:
        task = shared_site.api("tasks.create", name="only (one) so called", type="training")["id"]
        shown = shared_site.printed("show", "only (one) so called", "-o", "json")
        assert json.loads(shown)["id"] == task

    def test_a_dash_reads_them_from_standard_input(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        done = shared_site.taskyard("delete", "-", "-y", given="\n".join(drafts))
        assert done.stdout.split() == drafts

    def test_an_unknown_one_is_not_found(self, shared_site: Site) -> None:
        done = shared_site.taskyard("show", "ffffffffffff")
        assert done.returncode == 3
        assert 'error: no task "ffffffffffff"' in done.stderr
        assert done.stdout == ""

    def test_an_error_is_an_object_where_objects_are_asked_for(self, shared_site: Site) -> None:
        done = shared_site.taskyard("enqueue", "ffffffffffff", "-o", "json")
        error = json.loads(done.stderr)["error"]
        assert (error["code"], error["message"]) == (3, 'no task "ffffffffffff"')
        assert error["hint"]


class TestListings:
    def test_ps_gives_json(self, shared_site: Site, drafts: list[str]) -> None:
        rows = json.loads(shared_site.printed("ps", "-a", "-n", "500", "-o", "json"))
        row = next(r for r in rows if r["id"] == drafts[1])
        assert (row["task"], row["status"]) == ("draft 1", "draft")
        assert isinstance(row["age"], float)

    def test_ps_gives_ids(self, shared_site: Site, drafts: list[str]) -> None:
        assert drafts[2] in shared_site.printed("ps", "-a", "-q").split()

    def test_ps_gives_csv(self, shared_site: Site, drafts: list[str]) -> None:
        lines = shared_site.printed("ps", "-a", "-o", "csv").splitlines()
        assert lines[0].startswith("id,status,task,")
        assert any(line.startswith(f"{drafts[2]},draft,draft 2,") for line in lines)

    def test_ps_says_why_a_task_waits(self, shared_site: Site, folder: Path) -> None:
        queue = shared_site.new_queue()
        task = shared_site.printed("submit", "--queue", queue, "main.py", cwd=folder).strip()
        rows = {r["id"]: r for r in json.loads(shared_site.printed("ps", "-o", "json"))}
        assert f"no worker serves the queue {queue}" in rows[task]["where"]

    def test_ps_knows_the_words_that_people_see(self, shared_site: Site, drafts: list[str]) -> None:
        assert drafts[2] in shared_site.printed("ps", "--status", "draft", "-q").split()
        assert shared_site.taskyard("ps", "--status", "drafty").returncode == 2

    def test_a_pipe_gets_no_colours(self, shared_site: Site) -> None:
        assert "\x1b" not in shared_site.printed("ps", "-a")

    def test_a_terminal_gets_colours(self, shared_site: Site) -> None:
        shared_site.api("tasks.create", name="a draft", type="training")
        assert "\x1b[90mdraft\x1b[0m" in on_terminal(shared_site, "ps", "-a")

    def test_a_reader_that_has_enough_is_no_failure(self, shared_site: Site) -> None:
        words = " ".join([*TASKYARD, "ps", "-a", "-o", "json"])
        done = subprocess.run(
            ["bash", "-c", f"{words} | head -c 1; exit ${{PIPESTATUS[0]}}"],
            env=shared_site.environment,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def on_terminal(site: Site, *words: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    environment = {**site.environment, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([*TASKYARD, *words], env=environment, stdout=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            text += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait() == 0
    return text.decode()


class TestChanging:
    def test_edit_sets_parameters_that_its_command_line_then_has(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        words = ["submit", "--draft", "main.py", "--lr", "0.1", "--verbose"]
        task = shared_site.printed(*words, cwd=folder)
        shared_site.printed("edit", task, "--set", "lr=0.3", "--set", "verbose=no")
        shared_site.printed("edit", task, "--set", "depth=4", "--name", "renamed")
        shared_site.printed("enqueue", task, "--queue", serving)
        found = shared_site.ended(task)
        assert found["name"] == "renamed"
        assert "args --lr 0.3 --depth 4" in shared_site.console(task)

    def test_what_a_state_does_not_allow_is_a_conflict(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        for words in (["retry"], ["move", "--top"], ["abort"]):
            done = shared_site.taskyard(*words, drafts[0])
            assert done.returncode == 5, (words, done.stderr)
            assert "  try: " in done.stderr

    def test_one_that_fails_does_not_keep_the_others(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        queue = shared_site.new_queue()
        shared_site.printed("enqueue", drafts[1], "--queue", queue)
        done = shared_site.taskyard("dequeue", *drafts, "-o", "json")
        assert [row["id"] for row in json.loads(done.stdout)] == drafts

    def test_moves_within_a_queue_and_between_queues(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        queue, other = shared_site.new_queue(), shared_site.new_queue()
        shared_site.printed("enqueue", *drafts, "--queue", queue)
        assert shared_site.printed("move", drafts[2], "--top") == f"{drafts[2]}  position 1"
        shared_site.printed("move", drafts[1], "--queue", other)
        assert shared_site.printed("queue", "show", queue, "-q").split() == [drafts[2], drafts[0]]
        assert shared_site.printed("queue", "show", other, "-q").split() == [drafts[1]]

    def test_what_destroys_asks_for_a_yes(self, shared_site: Site, drafts: list[str]) -> None:
        done = shared_site.taskyard("delete", drafts[0])
        assert done.returncode == 2
        assert f"taskyard delete {drafts[0]} -y" in done.stderr
        assert shared_site.status(drafts[0]) == "created"

    def test_retry_runs_a_failed_task_again_and_keeps_what_it_printed(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        task = shared_site.printed("submit", "--queue", serving, "exits.py", "3", cwd=folder)
        shared_site.ended(task)
        shared_site.printed("retry", task)
        until(lambda: len(shared_site.attempts(task)) == 2, "the second attempt")
        shared_site.ended(task)
        assert shared_site.console(task).splitlines().count("bye") == 2


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


class TestQueuesAndWorkers:
    def test_the_life_of_a_queue(self, shared_site: Site, drafts: list[str]) -> None:
        shared_site.printed("queue", "create", "nightly")
        shared_site.printed("enqueue", drafts[0], "--queue", "nightly")
        shared_site.printed("queue", "pause", "nightly", "-m", "maintenance")
        rows = {r["name"]: r for r in json.loads(shared_site.printed("queue", "ls", "-o", "json"))}
        assert (rows["nightly"]["waiting"], rows["nightly"]["paused"]) == (1, "paused")
        shared_site.printed("queue", "resume", "nightly")
        shared_site.printed("queue", "rename", "nightly", "nights")
        shared_site.printed("queue", "clear", "nights", "-y")
        assert shared_site.status(drafts[0]) == "created"
        shared_site.printed("queue", "delete", "nights", "-y")
        assert "nights" not in shared_site.printed("queue", "ls")

    def test_a_busy_and_a_paused_worker(
        self, site: Site, queue: str, folder: Path, tmp_path: Path
    ) -> None:
        agent = site.agent("--queue", queue)
        (folder / "waits.py").write_text(WAITS.format(go=tmp_path / "go"))
        task = site.printed("submit", "--queue", queue, "waits.py", cwd=folder)
        site.printed_by(task, "up")

        def status() -> str:
            rows = json.loads(site.printed("worker", "ls", "-o", "json"))
            return str(next(r["status"] for r in rows if r["id"] == agent.worker))

        assert status() == "busy"
        site.printed("worker", "pause", agent.worker)
        assert status() == "paused"
        site.printed("worker", "resume", agent.worker)
        (tmp_path / "go").touch()
        site.ended(task)
        until(lambda: status() == "idle", "the worker to be idle again")

    def test_agent_status_and_stop(self, site: Site, queue: str) -> None:
        agent = site.agent("--queue", queue)
        assert agent.worker in site.printed("agent", "daemon", "--status")
        site.printed("agent", "daemon", "--stop", agent.worker)
        assert agent.process.wait(30) == 0

    def test_a_detached_agent_is_found_and_stopped(self, site: Site, queue: str) -> None:
        worker = f"detached-{site.port}"
        done = site.taskyard(
            *["agent", "daemon", "--queue", queue, "--detached"],
            environment={"CLEARML_WORKER_ID": worker},
        )
        assert done.returncode == 0, done.stderr
        task = site.submit("print('hello')", queue)
        site.ended(task)
        site.printed("agent", "daemon", "--stop", worker)
        until(
            lambda: worker not in site.printed("agent", "daemon", "--status"),
            "the detached agent's end",
        )


class TestSetUp:
    def test_init_connects_another_machine(self, shared_site: Site, tmp_path: Path) -> None:
        made = shared_site.api("auth.create_credentials")["credentials"]
        file = tmp_path / "elsewhere" / "config.toml"
        keys = {
            "TASKYARD_CONFIG": str(file),
            "TASKYARD_ACCESS_KEY": made["access_key"],
            "TASKYARD_SECRET_KEY": made["secret_key"],
        }
        done = shared_site.taskyard("init", shared_site.url, environment=keys)
        assert done.returncode == 0, done.stderr
        assert file.stat().st_mode & 0o077 == 0
        own = {"TASKYARD_CONFIG": str(file)}
        assert shared_site.url in shared_site.taskyard("whoami", environment=own).stdout

    def test_the_clearml_packages_settings_will_do(self, shared_site: Site, tmp_path: Path) -> None:
        session = shared_site.session()
        profile = shared_site.profile()
        (tmp_path / "clearml.conf").write_text(
            f'api {{\n  api_server: "{session.url}"\n  credentials {{\n'
            f'    access_key: "{profile.access_key}"\n    secret_key: "{profile.secret_key}"\n'
            "  }\n}\n"
        )
        conf = {
            "TASKYARD_CONFIG": str(tmp_path / "none.toml"),
            "CLEARML_CONFIG_FILE": str(tmp_path / "clearml.conf"),
        }
        assert shared_site.url in shared_site.taskyard("whoami", environment=conf).stdout

    def test_api_calls_any_action(self, shared_site: Site) -> None:
        body = json.dumps({"name": "^default$"})
        found = json.loads(shared_site.printed("api", "queues.get_all", "-d", body))
        assert [q["name"] for q in found["queues"]] == ["default"]

    def test_the_version_of_the_server(self, shared_site: Site) -> None:
        assert f"at {shared_site.url}" in shared_site.printed("version", "--check-server")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from taskyard.cli.main import main; main(['--help']);"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "uvicorn", "uvloop", "msgspec", "starlette", "psutil", "alembic"}
    assert not heavy & set(done.stderr.split())


def test_ps_imports_nothing_heavy(shared_site: Site) -> None:
    code = (
        "import sys; from taskyard.cli.main import main; main(['ps']);"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=shared_site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"sqlalchemy", "uvicorn", "uvloop", "msgspec", "starlette", "psutil", "alembic"}
    assert not heavy & set(done.stderr.split())
