"""Commands for queues, workers and the connection of a machine."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.beds.agent import WAITS, Site
from tests.beds.terminal import on_terminal
from tests.beds.waiting import until


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

    def test_a_worker_is_shown_with_its_machine(self, site: Site, queue: str) -> None:
        agent = site.agent("--queue", queue)
        said = site.printed("worker", "show", agent.worker)
        lines = dict(line.split(maxsplit=1) for line in said.splitlines())
        assert (lines["worker"], lines["status"]) == (agent.worker, "idle")
        assert (lines["queues"], lines["host"].split()[0]) == (queue, socket.gethostname())
        assert lines["memory"].endswith("GiB used")
        done = site.taskyard("worker", "show", agent.worker + "x")
        assert (done.returncode, f"Did you mean {agent.worker}?" in done.stderr) == (3, True)

    def test_top_shows_all_of_it_once_where_nobody_looks(self, site: Site, queue: str) -> None:
        agent = site.agent("--queue", queue)
        task = site.submit("print('never taken')", site.new_queue())
        said = site.printed("top")
        assert all(word in said for word in (agent.worker, queue, task[:8], " queued"))
        assert agent.worker not in site.printed("top", "tasks")

    def test_top_goes_on_on_a_terminal_and_leaves_it_as_it_was(self, site: Site) -> None:
        code, text = on_terminal(site, "top", ctrl_c_after="workers busy")
        assert code == 130
        assert text.startswith("\x1b[?1049h")
        assert text.endswith("\x1b[?1049l")

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
