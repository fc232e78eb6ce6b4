"""``taskyard agent execute`` and ``build``: a task on this machine, without queue and daemon."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.beds.agent import TASKYARD, Site
from tests.beds.waiting import until

UP_AND_WAIT = "import time; print('up', flush=True); time.sleep(600)"


def draft(site: Site, code: str, *flags: str) -> str:
    return site.submit(code, "default", flags=("--draft", *flags))


def test_execute_runs_a_draft_and_prints_what_it_prints(site: Site) -> None:
    task = draft(site, "print('run', 'by hand')")
    done = site.taskyard("agent", "execute", "--id", task)
    assert done.returncode == 0, done.stderr
    assert "run by hand\n" in done.stdout
    assert site.status(task) == "completed"
    assert "run by hand\n" in site.console(task)


def test_execute_exits_with_the_tasks_code(site: Site) -> None:
    task = draft(site, "import sys; sys.exit('no data')")
    done = site.taskyard("agent", "execute", "--id", task[:8])
    assert done.returncode == 1
    assert "failed: user code: exit code 1: no data" in done.stderr
    assert site.status(task) == "failed"


def test_execute_exits_with_125_when_the_code_never_ran(site: Site) -> None:
    task = draft(site, "print('never')", "--packages", "no-such-package-anywhere-0")
    done = site.taskyard("agent", "execute", "--id", task)
    assert done.returncode == 125
    assert "environment" in done.stderr


def test_execute_takes_the_task_out_of_its_queue(site: Site, queue: str) -> None:
    task = site.submit("print('hello')", queue)
    done = site.taskyard("agent", "execute", "--require-queue", "--id", task)
    assert done.returncode == 0, done.stderr
    assert site.api("queues.get_all", name=queue)["queues"][0]["entries"] == []


def test_execute_refuses_a_task_in_no_queue_when_one_is_required(site: Site) -> None:
    task = draft(site, "print('never')")
    done = site.taskyard("agent", "execute", "--require-queue", "--id", task)
    assert (done.returncode, done.stdout) == (125, "")
    assert site.status(task) == "created"


def test_execute_runs_a_clone_and_leaves_the_task_alone(site: Site) -> None:
    task = draft(site, "print('hello')")
    done = site.taskyard("agent", "execute", "--clone", "--id", task)
    assert done.returncode == 0, done.stderr
    assert site.status(task) == "created"
    clones = site.api("tasks.get_all", parent=task, only_fields=["status"])["tasks"]
    assert [clone["status"] for clone in clones] == ["completed"]


def test_execute_writes_a_log_file(site: Site) -> None:
    task = draft(site, "print('hello')")
    log = site.root / f"{task}.log"
    site.printed("agent", "execute", "--id", task, "--log-file", log)
    assert "hello\n" in log.read_text()


def test_ctrl_c_ends_the_task_in_order(site: Site) -> None:
    code = "import signal, sys\nsignal.signal(15, lambda *_: sys.exit('saved'))\n" + UP_AND_WAIT
    task = draft(site, code)
    run = site.program([*TASKYARD, "agent", "execute", "--id", task])
    until(lambda: "up" in run.said, "the task's first line")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(60) == 1
    assert "saved" in run.said
    assert site.status(task) == "stopped"


def test_an_abort_from_afar_ends_it(site: Site) -> None:
    task = draft(site, UP_AND_WAIT)
    run = site.program([*TASKYARD, "agent", "execute", "--id", task])
    until(lambda: "up" in run.said, "the task's first line")
    site.printed("abort", task)
    run.process.wait(60)
    assert site.status(task) == "stopped"


def test_a_run_whose_execute_was_killed_ends_before_the_next_one(site: Site) -> None:
    task = draft(site, "import os; print('pid', os.getpid(), flush=True)\n" + UP_AND_WAIT)
    first = site.program([*TASKYARD, "agent", "execute", "--id", task])
    said = until(lambda: first.said if "up" in first.said else "", "the task's first line")
    pid = int(said.partition("pid ")[2].split()[0])
    first.kill()
    assert Path(f"/proc/{pid}").exists()
    site.api("tasks.reset", task=task, force=True)
    second = site.program([*TASKYARD, "agent", "execute", "--id", task])
    until(lambda: "up" in second.said, f"the second run: {second.said}")
    assert not Path(f"/proc/{pid}").exists()
    second.process.send_signal(signal.SIGTERM)
    second.process.wait(60)


def test_nothing_of_an_executed_run_stays_on_the_machine(site: Site) -> None:
    task = draft(site, "print('hello')")
    site.printed("agent", "execute", "--id", task)
    assert not list(site.agent_data.glob(f"agents/*/runs/{task}.*"))


@pytest.fixture
def built(site: Site, tmp_path: Path) -> tuple[str, Path]:
    """A task and the folder that was built for it."""
    folder = site.root / "a package"
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(
        "import os, six, sys; print(six.__name__, os.environ['A'], sys.argv[1:])"
    )
    words = ["--packages", "six==1.16.0", "--env", "A=a b", "main.py", "--lr", "0.1"]
    task = site.printed("submit", "--draft", *words, cwd=folder)
    target = tmp_path / "a bench"
    site.printed("agent", "build", "--id", task, "--target", target)
    return task, target


def shell(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_build_makes_a_folder_that_one_can_enter(built: tuple[str, Path]) -> None:
    task, target = built
    assert shell(". ./activate && python main.py x && pwd", target) == (
        f"six a b ['x']\n{target}/code\n"
    )
    assert shell("./run", target) == "six a b ['--lr', '0.1']\n"
    assert task not in (target / "activate").read_text()


def test_build_leaves_the_task_as_it_is_and_keeps_no_secret(
    site: Site, built: tuple[str, Path]
) -> None:
    task, target = built
    assert site.status(task) == "created"
    secret = site.profile().secret_key.encode()
    files = [file for file in target.rglob("*") if file.is_file() and not file.is_symlink()]
    assert [file for file in files if secret in file.read_bytes()] == []


def test_build_refuses_a_folder_in_use(site: Site, built: tuple[str, Path]) -> None:
    task, target = built
    done = site.taskyard("agent", "build", "--id", task, "--target", target)
    assert done.returncode == 1
    assert "is there already" in done.stderr
