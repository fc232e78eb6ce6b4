"""A container of its own in which an environment is made, by tools and not by the task's code.

What many tasks will share must not be open to any of them, so it is not made where they run.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from taskyard.agent.containers import inside, script
from taskyard.agent.containers.engine import RUN_LABEL, Engine, Say, mounts, options
from taskyard.agent.environments import tool
from taskyard.agent.environments.tool import Result
from taskyard.api.errors import Cause, RunError

_FOLDERS = {
    "UV_CACHE_DIR": f"{inside.CACHE}/downloads",
    "UV_PYTHON_INSTALL_DIR": inside.PYTHONS,
    "HOME": "/tmp",  # the agent's user has no home in an image
}
_STAYS = "exec sleep 1000000"
_WITH_VARIABLES = f'. {inside.RUN}/{script.VARIABLES}; exec "$@"'


class Builder:
    """A container that does what it is told, for the length of a ``with`` block.

    It starts with the first thing to do, prepared by the task's set-up script.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        name: str,
        *,
        run: Path,
        arguments: Sequence[str],
        places: Callable[[], list[tuple[str, str, bool]]],
        preparation: str,
        say: Say,
    ) -> None:
        """``places`` says what to mount, once that is needed."""
        self._engine, self._image, self._name, self._run = engine, image, name, run
        self._arguments, self._places = arguments, places
        self._preparation, self._say = preparation, say
        self._started = False

    def __enter__(self) -> Builder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started:
            with contextlib.suppress(RunError):
                self._engine.remove(self._name)

    def look(self, commands: str) -> str:
        """What shell commands print, run by the container's own user. Raises RunError."""
        self._ensure()
        return self._engine.ask("exec", self._name, "sh", "-c", commands)

    def run(self, command: Sequence[str], cwd: str, more: Mapping[str, str]) -> Result:
        """Run a tool as the agent's user, its output in the console."""
        self._ensure()
        return tool.run(self._exec(command, cwd, more), os.environ, say=self._say)

    def capture(self, command: Sequence[str], cwd: str, more: Mapping[str, str]) -> Result:
        """The same, for what it prints."""
        self._ensure()
        return tool.capture(self._exec(command, cwd, more), os.environ)

    def _exec(self, command: Sequence[str], cwd: str, more: Mapping[str, str]) -> list[str]:
        return self._engine.command(
            "exec", "--user", _host_user(self._engine), "--workdir", cwd,
            *options("--env", {**_FOLDERS, **more}),
            self._name, "sh", "-c", _WITH_VARIABLES, "sh", *command,
        )  # fmt: skip

    def _ensure(self) -> None:
        if self._started:
            return
        self._started = True
        label = options("--label", {RUN_LABEL: str(self._run)})
        self._engine.ask(
            "run", "--detach", "--init", "--name", self._name, *self._arguments,
            *mounts(self._places()), *label, "--entrypoint", "sh", self._image, "-c", _STAYS,
        )  # fmt: skip
        if self._preparation:
            self._prepare()

    def _prepare(self) -> None:
        self._say("preparing a container in which to make the environment")
        commands = f". {inside.RUN}/{script.VARIABLES}; exec sh -e {inside.RUN}/{script.PREPARE}"
        words = ("exec", "--workdir", inside.CODE, self._name, "sh", "-c", commands)
        done = tool.run(self._engine.command(*words), os.environ, say=self._say)
        if done.status != 0:
            raise RunError(
                Cause.ENVIRONMENT,
                f"the set-up script failed (exit code {done.status})",
                hint="Each command must succeed: add `|| true` where not.",
                tail=done.tail,
            )


def _host_user(engine: Engine) -> str:
    """The agent's user, as a container knows it: what it writes belongs to the agent."""
    own = os.geteuid()
    if engine.program == "podman" and own != 0:
        return "0:0"  # without root, that is who the superuser of a container is outside
    return f"{own}:{os.getegid()}"
