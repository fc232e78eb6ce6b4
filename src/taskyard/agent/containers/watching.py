"""From the start of a task's container to its end, by what the engine tells.

The engine keeps what the container prints and how it ended, so nothing is lost while nobody
watches: whoever comes next reads the stream again and skips what the console has already.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taskyard.agent.containers import script
from taskyard.agent.containers.engine import Engine, EngineAway, NoSuchObject
from taskyard.agent.machine import processes
from taskyard.agent.machine.memory import Kills
from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run import watch
from taskyard.agent.run.bounds import Bounds
from taskyard.agent.run.signals import Ear
from taskyard.agent.run.spec import Contained, Exit, Limits, Outcome, Process, Stop
from taskyard.agent.run.verdict import Ending, Memory, judge, last_line
from taskyard.api.errors import Cause, RunError

PATIENCE = 120.0
"""Seconds that an engine may be away while a container of ours runs."""
AGAIN = 1.0
"""Seconds between two tries to reach it."""
LOOK = 0.05
"""Seconds between looks whether the preparation is through."""
_BLOCK = 1 << 16
_TAIL = 8192

_BY_ENGINE = {128 + signal.SIGTERM, 128 + signal.SIGKILL, 255}
"""How containers end that an engine takes down with itself, or finds dead when it comes back."""


class Watcher:
    """Follows one container. ``prepared`` is called once, when its preparation is through."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        contained: Contained,
        limits: Limits,
        ear: Ear,
        prepared: Callable[[], None],
    ) -> None:
        self._engine, self._folder, self._contained = engine, folder, contained
        self._limits, self._ear = limits, ear
        self._prepared: Callable[[], None] | None = prepared
        process = Process(
            boot_id=contained.boot_id,
            keeper=0,
            keeper_start=0.0,
            pid_start=contained.started,
            console_from=contained.console_from,
            memory_group="the engine's" if contained.memory else "",
        )
        self._process = process
        self._bounds = Bounds(folder, process, limits, self._pids)
        self._stop: Stop | None = None
        self._stop_asked = 0.0
        self._told: signal.Signals | None = None
        self._shaken = False
        """The engine went away meanwhile."""
        self._away_since: float | None = None
        self._held_up = False
        """The console had to wait for room: the engine may have ended its stream meanwhile."""

    def watch(self) -> Outcome:
        """Wait for the end of the container, bring it about when asked; say how it ended."""
        try:
            while True:
                self._stream()
                with contextlib.suppress(EngineAway):
                    state = self._engine.inspect("container", self._contained.name)["State"]
                    self._away_since = None
                    if state.get("Status") not in ("running", "paused", "restarting", "stopping"):
                        if self._held_up:
                            self._held_up = False
                            continue
                        return self._outcome(state)
                    self._shaken = True
                    self._ear_or(LOOK)
                    continue
                self._wait_for_engine()
        except NoSuchObject:
            return Outcome(
                exit_code=-1,
                cause=Cause.WORKER_LOST,
                message="somebody has removed the container of this run",
                hint="The console has all that was seen of it.",
            )
        except EngineAway as error:
            return Outcome(
                exit_code=-1,
                cause=Cause.WORKER_LOST,
                message=f"{error.what} (for {PATIENCE:g} s)",
                hint=error.hint,
            )

    def _wait_for_engine(self) -> None:
        """A pause while the engine is away. Raises EngineAway when that lasts too long."""
        self._shaken = True
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > PATIENCE:
            self._engine.ask("version", "--format", "{{.Server.Version}}")
        self._obey()
        self._ear_or(AGAIN)

    def _ear_or(self, seconds: float) -> None:
        select.select([self._ear.wake], [], [], seconds)

    # The console

    def _stream(self) -> None:
        """Copy what the container prints to the console, until the engine ends the stream."""
        console = self._folder / contract.CONSOLE
        skip = console.stat().st_size - self._contained.console_from
        command = self._engine.command("logs", "--follow", self._contained.name)
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            source = process.stdout.fileno()
            try:
                while True:
                    ready, _, _ = select.select([source, self._ear.wake], [], [], self._pause())
                    if source in ready:
                        data = os.read(source, _BLOCK)
                        if not data:
                            return
                        if skip < len(data):
                            self._held_up |= _append(console, data[max(0, skip) :])
                        skip -= min(skip, len(data))
                    self._note_prepared()
                    self._obey()
            finally:
                process.kill()

    def _note_prepared(self) -> None:
        if self._prepared and (self._folder / script.REPORT / script.READY).exists():
            self._prepared()
            self._prepared = None

    # Limits and wishes

    def _pause(self) -> float | None:
        """Seconds until something is to be looked at without a sign from outside."""
        pauses = [self._bounds.pause()]
        if self._prepared:
            pauses.append(LOOK)
        if self._stop is not None and self._told != signal.SIGKILL:
            pauses.append(max(0.0, self._stop_asked + self._stop.grace - time.monotonic()))
        return min((pause for pause in pauses if pause is not None), default=None)

    def _obey(self) -> None:
        """Have the container end when that is asked for, politely first."""
        heard = self._ear.called
        self._ear.clear()
        if self._stop is None:
            self._stop = (
                watch.requested(self._folder, self._limits) if heard else self._bounds.exceeded()
            )
            self._stop_asked = time.monotonic()
        elif newer := folders.read_stop(self._folder):
            self._stop = newer
        if self._stop is None:
            return
        late = time.monotonic() >= self._stop_asked + self._stop.grace
        number = signal.SIGKILL if late else signal.SIGTERM
        if self._told in (number, signal.SIGKILL):
            return
        # It may have ended by itself just now, and an engine that is away is asked again.
        with contextlib.suppress(RunError):
            self._engine.ask("kill", "--signal", number.name, self._contained.name)
            self._told = number

    def _pids(self) -> list[int]:
        """All processes in the container, as the machine knows them."""
        try:
            printed = self._engine.ask("top", self._contained.name, "-eo", "pid")
        except RunError:
            return []
        return [int(word) for word in printed.split() if word.isdecimal()]

    # The end

    def _outcome(self, state: dict[str, Any]) -> Outcome:
        if (failed := self._failed_preparation()) and self._stop is None:
            return failed
        ended = _exit(state)
        if self._lost(state, ended):
            return Outcome(
                exit_code=-1,
                cause=Cause.WORKER_LOST,
                message="the container engine was stopped, and ended the container",
                hint="With `live-restore` switched on in Docker, containers outlive its restarts.",
            )
        if state.get("Error") and self._stop is None and not self._written():
            return Outcome(
                exit_code=ended.code,
                cause=Cause.IMAGE,
                message=f"the container did not start: {state['Error']}",
            )
        return judge(
            Ending(
                process=self._process,
                exit=ended,
                stop=self._stop,
                killed=self._told == signal.SIGKILL,
                memory=self._memory(state, ended),
                disk_full=folders.no_room(self._folder),
                last_line=last_line(self._written()),
            )
        )

    def _lost(self, state: dict[str, Any], ended: Exit) -> bool:
        if self._stop is not None or state.get("OOMKilled"):
            return False
        rebooted = self._contained.boot_id != processes.boot_id()
        return ended.code == 255 or (ended.code in _BY_ENGINE and (self._shaken or rebooted))

    def _memory(self, state: dict[str, Any], ended: Exit) -> Memory:
        if not state.get("OOMKilled") or ended.code == 0:
            return Memory()
        return Memory(now=Kills(in_group=1), limit=_bytes(self._contained.memory))

    def _failed_preparation(self) -> Outcome | None:
        report = self._folder / script.REPORT / script.FAILED
        try:
            code = int(report.read_text() or 1)
        except (FileNotFoundError, ValueError):
            return None
        said = last_line(self._written())
        return Outcome(
            exit_code=-1,
            cause=Cause.ENVIRONMENT,
            message=f"the set-up script failed (exit code {code})" + (f": {said}" if said else ""),
            hint="Its output is in the console. Each command must succeed: add `|| true` "
            "where not.",
        )

    def _written(self) -> bytes:
        """The last of what the container has written."""
        with open(self._folder / contract.CONSOLE, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._contained.console_from, size - _TAIL))
            return file.read()


def _append(console: Path, data: bytes) -> bool:
    """Add to the console, waiting for room on a full disk: the engine keeps the rest till then.

    Whether it had to wait.
    """
    rest = memoryview(data)
    waited = False
    descriptor = os.open(console, os.O_WRONLY | os.O_APPEND)
    try:
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except OSError:
                waited = True
                time.sleep(AGAIN)
    finally:
        os.close(descriptor)
    return waited


def _exit(state: dict[str, Any]) -> Exit:
    code = int(state.get("ExitCode") or 0)
    number = code - 128 if 128 < code < 128 + 65 else 0
    if number not in {int(known) for known in signal.Signals}:
        number = 0
    return Exit(code=code, signal=number, alone=True, ended=time.time())


_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def _bytes(text: str) -> int:
    """``512m`` in bytes; 0 for what is no amount of memory."""
    matched = re.fullmatch(r"(\d+)([bkmgt]?)b?", text.lower())
    return int(matched[1]) << _UNITS[matched[2]] if matched else 0
