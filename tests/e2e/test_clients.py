"""The real clearml packages, unmodified, beside our agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.beds.agent import Site
from tests.beds.waiting import DEADLINE

CLIENTS = Path(__file__).parent.parent.parent / ".cache" / "clients" / "bin"
SCRIPT = """
import argparse
import clearml
from clearml import Task

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
task = Task.init(project_name="remote", task_name="sent away", output_uri=False)
args = parser.parse_args()
settings = task.connect({"layers": 3}, name="Net")
task.set_packages(["clearml==" + clearml.__version__])
print("begun with", args.lr, settings["layers"], flush=True)
task.execute_remotely(queue_name="QUEUE")
print("finished with", args.lr, settings["layers"], flush=True)
task.get_logger().report_scalar("loss", "train", 0.5, 1)
task.upload_artifact("numbers", {"a": 1})
"""


def exported(site: Site) -> Mapping[str, str]:
    """What ``eval "$(taskyard env)"`` puts into a shell's environment."""
    shell = 'eval "$1" && exec "$2" -c "import json, os; print(json.dumps(dict(os.environ)))"'
    words = ["sh", "-c", shell, "sh", site.printed("env"), sys.executable]
    done = subprocess.run(words, env=site.environment, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def shell(shared_site: Site) -> dict[str, str]:
    """A shell in which ``taskyard env`` was evaluated."""
    cache = shared_site.root / "clearml-cache"
    return {
        **exported(shared_site),
        "CLEARML_CACHE_DIR": str(cache),
        "PATH": f"{CLIENTS}{os.pathsep}{os.environ['PATH']}",
    }


def run(words: list[str | Path], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a program of the clients to its end; what it printed."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_script_sends_itself_away_and_our_agent_finishes_it(
    site: Site, queue: str, shell: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.replace("QUEUE", queue))
    site.agent("--queue", queue)
    local = run([CLIENTS / "python", "train.py", "--lr", "0.5"], tmp_path, shell)
    assert "begun with 0.5 3" in local
    assert "finished" not in local
    task = site.printed("ps", "-a", "-q", "-n", "1")
    found = site.ended(task, seconds=120)
    assert found["status"] == "completed", site.console(task)
    assert "finished with 0.5 3" in site.console(task)
    assert [a["key"] for a in found["execution"]["artifacts"]] == ["numbers"]
    assert found["hyperparams"]["Net"]["layers"]["value"] == "3"


def test_the_vendors_agent_runs_a_task_of_ours(
    site: Site, shell: dict[str, str], tmp_path: Path
) -> None:
    script = {"entry_point": "main.py", "diff": "print('run by another agent')\n"}
    task = site.api("tasks.create", name="plain", type="training", script=script)["id"]
    environment = {
        **shell,
        "CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1",
        "CLEARML_AGENT_SKIP_PIP_VENV_INSTALL": str(CLIENTS / "python"),
    }
    run([CLIENTS / "clearml-agent", "execute", "--id", task], tmp_path, environment)
    assert site.status(task) == "completed"
    assert "run by another agent" in site.console(task)
