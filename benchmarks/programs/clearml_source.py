"""clearml-agent's cache of repositories, by its own function.

Arguments: a folder for all that it keeps, the repository's URL, and the commit. Says ``ready``
when it has cloned. Each line names a folder to check the commit out in; the answer is how long
that took, in seconds. Runs in the peers' environment.
"""

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

folder, url, commit = sys.argv[1:4]
# It writes to the configuration of git of the user it runs as.
os.environ["HOME"] = folder
os.environ["CLEARML_CONFIG_FILE"] = str(Path(folder) / "clearml.conf")

from clearml_agent.helper import repo  # type: ignore[import-not-found] # noqa: E402
from clearml_agent.helper.base import ExecutionInfo  # type: ignore[import-not-found] # noqa: E402


class Agent:
    """The section ``agent``, where it is asked for by attribute: nothing is set."""

    def __getattr__(self, name: str) -> None:
        return None


class Config(dict[str, Any]):
    """Its settings, as far as repositories ask for them."""

    agent = Agent()


class Session:
    config = Config(
        {
            "agent.vcs_cache.enabled": True,
            "agent.vcs_cache.path": str(Path(folder) / "cache"),
            "agent.git_fetch_args": ["--all", "--tags", "--recurse-submodules"],
        }
    )
    debug_mode = False

    def get_logger(self, name: str) -> logging.Logger:
        return logging.getLogger(name)


def clone(into: str) -> float:
    execution = ExecutionInfo(
        repository=url, version_num=commit, branch="main", tag="", entry_point="train.py"
    )
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        repo.clone_repository_cached(Session(), execution, Path(into))
    return time.perf_counter() - began


Path(folder, "cache").mkdir(parents=True)
clone(str(Path(folder) / "first"))
print("ready", flush=True)
for line in sys.stdin:
    print(clone(line.strip()), flush=True)
