"""From the enqueue to the first line that the user's code prints, when all of it is known.

Same repository, same commit, same packages as in a run before. The floor is the same script
started by hand in an environment that is there.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import peers, stage, turns
from benchmarks.figures import Measure
from benchmarks.stage import Stage, Stamps, plain_environment
from benchmarks.turns import Sample
from taskyard.agent.environments.tool import uv

PACKAGES = "requests\npyyaml\ntqdm\n"
FILES = 200
"""Files beside the script: a repository of ordinary size."""
SLOW_SHARE = 7
"""One sample of the slow peer to this many of the others."""

FIRST_LINE = """\
import time
first = time.time_ns()
print("started", first, flush=True)
with open({stamps!r}, "w") as stream:
    stream.write(f"{{first}}\\n")
"""
"""Code that says when it began."""

SCRIPT = FIRST_LINE + "import requests, tqdm, yaml\n"


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample every contender in turn, ``rounds`` times."""
    stamps = Stamps(folder / "stamps")
    repository, commit = make_repository(folder / "project", SCRIPT.format(stamps=str(stamps.path)))
    script = {
        "repository": repository.as_uri(),
        "version_num": commit,
        "entry_point": "train.py",
        "working_dir": ".",
        "binary": "python3",
        "requirements": {"pip": PACKAGES},
    }
    python = make_environment(folder / "by-hand")
    with (
        stage.server(folder / "stage") as running,
        stage.agent(running, "ours"),
        peers.clearml_agent(running, "clearml"),
    ):
        contenders: dict[str, Sample] = {
            "taskyard": lambda: start(running, stamps, script, "ours"),
            "bare python": lambda: start_by_hand(python, repository / "train.py", stamps),
        }
        polled: dict[str, Sample] = {
            "clearml-agent": lambda: start(running, stamps, script, "clearml")
        }
        # The first run of each builds what the later ones find; the second has its byte-code.
        for queue in ("ours", "ours", "clearml", "clearml"):
            start(running, stamps, script, queue)
        start_by_hand(python, repository / "train.py", stamps)
        samples = turns.take(contenders, rounds, polled=polled, share=SLOW_SHARE)
    stamps.close()
    return [
        Measure(
            benchmark="warm_start",
            what="enqueue to the first line of the user's code",
            unit="ms",
            aim="bare python + 300 ms, later + 100 ms",
            samples=samples,
            notes=[
                f"a repository of {FILES + 1} files, three packages and what they need",
                "clearml-agent with its caches of environments and repositories on",
            ],
        )
    ]


def start(running: Stage, stamps: Stamps, script: Mapping[str, object], queue: str) -> float:
    """Milliseconds for one run through a queue of our server."""
    task = running.create_task("first line", script)
    time.sleep(stage.SETTLE)
    before = running.enqueue(task, queue)
    first = stamps.next()
    running.wait_for_end(task)
    time.sleep(stage.SETTLE)
    return (first - before) / 1e6


def start_by_hand(python: Path, script: Path, stamps: Stamps) -> float:
    time.sleep(stage.SETTLE)
    before = time.time_ns()
    with subprocess.Popen(
        [str(python), "-u", script.name], cwd=script.parent, stdout=subprocess.DEVNULL
    ) as process:
        first = stamps.next()
        process.wait()
    return (first - before) / 1e6


def make_repository(folder: Path, script: str) -> tuple[Path, str]:
    """A git repository with the script and some more files; its folder and commit."""
    (folder / "data").mkdir(parents=True)
    (folder / "train.py").write_text(script)
    for number in range(FILES):
        (folder / "data" / f"{number}.txt").write_text(f"row {number}\n" * 200)
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Measure"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    return folder, commit


def make_environment(folder: Path) -> Path:
    """An environment with the packages; gives its interpreter."""
    listed = folder.with_suffix(".txt")
    listed.write_text(PACKAGES)
    environment = plain_environment()
    python = folder / "bin" / "python"
    for words in (
        ["venv", "-q", "--python", sys.executable, str(folder)],
        ["pip", "install", "-q", "--compile-bytecode", "--python", str(python), "-r", str(listed)],
    ):
        subprocess.run([uv(), *words], env=environment, check=True)
    return python
