"""What is wrong gets a message that names it and says what to do: no traceback, no silence."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.beds.agent import Site, fill, small_disk
from tests.beds.agent import site as make_site
from tests.beds.waiting import until

Done = subprocess.CompletedProcess[str]


def assert_explained(done: Done, code: int, *words: str) -> None:
    """The command failed with this code, and these words are in what it said."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert "  try: " in done.stderr
    missing = [word for word in words if word not in done.stderr]
    assert not missing, done.stderr


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A folder with a script."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    return folder


class TestOnTheCommandLine:
    def test_an_unknown_queue(self, site: Site, script: Path) -> None:
        done = site.taskyard("submit", "--queue", "defalt", "main.py", cwd=script)
        assert_explained(done, 3, 'no queue named "defalt"', "Did you mean default?")

    def test_an_unknown_queue_of_run_is_our_failure_not_the_tasks(
        self, site: Site, script: Path
    ) -> None:
        done = site.taskyard("run", "--queue", "defalt", "main.py", cwd=script)
        assert_explained(done, 125, 'no queue named "defalt"')

    def test_an_agent_for_an_unknown_queue(self, site: Site) -> None:
        done = site.taskyard("agent", "daemon", "--queue", "defalt")
        assert_explained(done, 3, 'no queue named "defalt"', "taskyard queue create defalt")

    def test_a_script_that_is_not_there(self, site: Site, script: Path) -> None:
        done = site.taskyard("submit", "mian.py", cwd=script)
        assert_explained(done, 1, "no file mian.py", "Did you mean main.py?")

    def test_a_wrong_key(self, site: Site, script: Path) -> None:
        keys = keys_of(site, secret="wrong-secret")
        done = site.taskyard("submit", "main.py", cwd=script, environment=keys)
        assert_explained(done, 4, site.url, "environment", "Check the access key")
        assert "wrong-secret" not in done.stderr

    def test_an_agent_with_a_wrong_key(self, site: Site) -> None:
        done = site.taskyard("agent", "daemon", environment=keys_of(site, secret="wrong-secret"))
        assert_explained(done, 4, "credentials")

    def test_a_server_that_is_down(self, site: Site) -> None:
        done = site.taskyard("ps", "--server", "http://127.0.0.1:9")
        assert_explained(done, 6, "http://127.0.0.1:9", "--server", "taskyard up")

    def test_an_agent_for_a_server_that_is_down(self, site: Site) -> None:
        done = site.taskyard("agent", "daemon", "--server", "http://127.0.0.1:9")
        assert_explained(done, 6, "cannot reach the server at http://127.0.0.1:9")

    def test_something_else_than_a_server(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            port = stranger.getsockname()[1]
            command = site.program(
                ["sh", "-c", 'exec "$@"', "sh", *words_of("ps", f"http://127.0.0.1:{port}")]
            )
            connection, _ = stranger.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                assert command.process.wait(30) == 6
        assert "something else than this API" in command.said

    def test_an_address_that_is_none(self, site: Site) -> None:
        done = site.taskyard("ps", "--server", "localhost")
        assert_explained(done, 1, "'localhost' is not the address of a server", "http://")

    def test_no_configuration_at_all(self, site: Site, tmp_path: Path) -> None:
        done = site.taskyard("ps", environment={"TASKYARD_CONFIG": str(tmp_path / "none.toml")})
        assert_explained(done, 1, "no server is configured", "taskyard init")


def keys_of(site: Site, *, secret: str) -> dict[str, str]:
    return {
        "TASKYARD_SERVER": site.url,
        "TASKYARD_ACCESS_KEY": "SOMEBODY",
        "TASKYARD_SECRET_KEY": secret,
    }


def words_of(command: str, server: str) -> list[str]:
    return [sys.executable, "-m", "taskyard", command, "--server", server]


class TestStartingAServer:
    def test_on_a_port_in_use(self, site: Site, tmp_path: Path) -> None:
        done = site.taskyard("up", "--port", str(site.port), "--data", tmp_path / "data")
        assert_explained(done, 1, f"port {site.port} on 127.0.0.1 is in use", "--port")

    def test_in_a_folder_that_cannot_be_written(self, site: Site) -> None:
        done = site.taskyard("up", "--port", "0", "--data", "/proc/taskyard")
        assert_explained(done, 1, "/proc/taskyard", "--data")

    def test_in_a_folder_that_is_a_file(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = site.taskyard("up", "--port", "0", "--data", tmp_path / "file" / "data")
        assert_explained(done, 1, str(tmp_path / "file" / "data"), "--data")

    def test_on_a_database_that_is_not_there(self, site: Site, tmp_path: Path) -> None:
        url = "postgresql://someone:secret-word@127.0.0.1:9/none"
        done = site.taskyard("up", "--port", "0", "--data", tmp_path, "--database-url", url)
        assert done.returncode != 0
        assert_explained(done, done.returncode, "database")
        assert "secret-word" not in done.stderr

    def test_with_a_setting_that_is_none(self, site: Site, tmp_path: Path) -> None:
        (tmp_path / "server.toml").write_text("[server]\nprot = 8008\n")
        done = site.taskyard("up", "--config", tmp_path / "server.toml")
        assert_explained(done, 1, "'prot'", "port")


def test_an_agent_in_a_folder_that_cannot_be_written(site: Site) -> None:
    done = site.taskyard("agent", "daemon", "--queue", "default", "--data", "/proc/taskyard")
    assert_explained(done, 1, "/proc/taskyard", "TASKYARD_AGENT_DATA")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit and one file."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "main.py").write_text("print('hello')\n")
    person = ["-c", "user.name=A Person", "-c", "user.email=person@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "One"]):
        subprocess.run(["git", *person, *words], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="class")
def serving(shared_site: Site) -> Iterator[str]:
    """A queue that an agent serves."""
    queue = shared_site.new_queue()
    shared_site.agent("--queue", queue)
    yield queue
    shared_site.end_programs()


class TestInATask:
    """The message, the class of the cause and the hint are on the task."""

    def fails(self, site: Site, queue: str, script: dict[str, Any], **more: Any) -> tuple[str, str]:
        """Run a task to its bad end; the cause and the message."""
        body = {"name": "bad", "type": "training", "script": {"entry_point": "main.py", **script}}
        task = site.api("tasks.create", **body, **more)["id"]
        site.api("tasks.enqueue", task=task, queue_name=queue)
        found = site.ended(task)
        assert found["status"] == "failed"
        assert "Traceback" not in site.console(task)
        (attempt,) = site.attempts(task)
        assert attempt["hint"]
        return found["status_reason"], found["status_message"]

    def test_a_commit_that_is_not_in_the_repository(
        self, shared_site: Site, serving: str, repository: Path
    ) -> None:
        script = {"repository": str(repository), "version_num": "1234567890" * 4}
        cause, message = self.fails(shared_site, serving, script)
        assert cause == "git"
        assert "1234567890" in message

    def test_a_repository_that_is_not_there(self, shared_site: Site, serving: str) -> None:
        script = {"repository": "http://127.0.0.1:9/none.git", "branch": "main"}
        cause, message = self.fails(shared_site, serving, script)
        assert cause == "git"
        assert "127.0.0.1:9/none.git" in message

    def test_changes_that_do_not_apply(
        self, shared_site: Site, serving: str, repository: Path
    ) -> None:
        diff = (
            "diff --git a/main.py b/main.py\n--- a/main.py\n+++ b/main.py\n"
            "@@ -1 +1 @@\n-print('something else')\n+print('new')\n"
        )
        cause, message = self.fails(
            shared_site, serving, {"repository": str(repository), "diff": diff}
        )
        assert cause == "git"
        assert "main.py" in message

    def test_a_package_that_does_not_exist(self, shared_site: Site, serving: str) -> None:
        script = {"diff": "print(1)", "requirements": {"pip": "taskyard-has-no-such-package==9"}}
        cause, message = self.fails(shared_site, serving, script)
        assert cause == "environment"
        assert "taskyard-has-no-such-package" in message

    def test_an_entry_point_that_is_not_there(
        self, shared_site: Site, serving: str, repository: Path
    ) -> None:
        script = {"repository": str(repository), "entry_point": "mian.py"}
        cause, message = self.fails(shared_site, serving, script)
        assert cause == "user code"
        assert "Did you mean main.py?" in message

    def test_a_set_up_script_that_fails(self, shared_site: Site, serving: str) -> None:
        container = {"setup_shell_script": "echo not today; exit 3"}
        cause, message = self.fails(shared_site, serving, {"diff": "print(1)"}, container=container)
        assert cause in {"environment", "user code"}
        assert "3" in message


class TestFullDisk:
    def test_of_an_agent_fails_the_task_and_says_so(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        data = tmp_path / "data"
        words = ("--queue", queue, "--data", str(data), "--min-free-disk", "0")
        agent = site.agent(*words, within=small_disk(data, "1m"))
        fill(agent, data)
        task = site.submit("print('hello')", queue)
        found = site.ended(task)
        assert (found["status"], found["status_reason"]) == ("failed", "disk full")
        assert "Free space" in found["status_message"]
        assert agent.process.poll() is None

    def test_of_the_server_refuses_new_work_and_goes_on_when_there_is_room(
        self, tmp_path: Path
    ) -> None:
        root = tmp_path / "site"
        data = root / "server"
        with make_site(root, within=small_disk(data, "8m")) as site:
            filling = fill(site.server, data)
            task = json.dumps({"name": "large", "type": "training", "comment": "x" * 500_000})
            done = site.taskyard("api", "tasks.create", "-d", "-", given=task)
            assert_explained(done, 6, "disk is full", "Free space")
            filling.unlink()
            until(
                lambda: not site.taskyard("api", "tasks.create", "-d", "-", given=task).returncode,
                "the server to take something again",
            )
