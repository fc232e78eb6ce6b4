"""Following one run: what it prints and what becomes of it go to the server.

The run folder is the outbox. Console bytes are numbered by their offset in ``console.log`` and
sent until the server has them; the outcome is in ``state.json``; a file ``delivered`` says that
the server knows it all. A follower can therefore stop anywhere and another go on.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import CONSOLE, Outcome, RunState
from taskyard.api import errors
from taskyard.api.attempts import Console, Finish, FinishResponse, Report, ReportResponse
from taskyard.api.errors import ApiError, Cause
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

DELIVERED = "delivered"
CHUNK = 256 << 10
"""The most console bytes in one report."""
TICK = 0.1
"""Seconds between looks at a run: bounds how late a line or a phase is seen."""
RHYTHM = 0.25
"""The least seconds between two reports of one run while it goes on."""
STALE = {errors.STALE_ATTEMPT[:2], errors.INVALID_TASK_ID[:2]}


class Follower:
    """Follows the run in ``folder`` on a thread of its own until the server knows the end."""

    def __init__(
        self,
        folder: Path,
        session: Session,
        executor: ProcessExecutor,
        worker: str,
        ended: Callable[[], None],
    ) -> None:
        self._ended = ended
        self.folder = folder
        self.spec = folders.read_spec(folder)
        self.task, self.attempt = self.spec.task, self.spec.attempt
        self.returning = threading.Event()
        """Set when the agent stops: the task goes back to its queue instead of ending."""
        self._session = session
        self._executor = executor
        self._worker = worker
        self._offset: int | None = None
        self._phases: list[dict[str, Any]] = []
        self._told_result = False
        self._detached = threading.Event()
        self._thread = threading.Thread(
            target=self._follow, name=f"follow {self.task[:8]}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def detach(self, timeout: float) -> None:
        """Stop following; the run itself goes on."""
        self._detached.set()
        self._thread.join(timeout)

    def join(self, timeout: float | None = None) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def abort(self) -> None:
        """End the run: SIGTERM, the task's grace time, SIGKILL."""
        self._executor.stop(self.folder, self.spec.limits.grace)

    def _follow(self) -> None:
        try:
            while not self._detached.is_set():
                seen = self._executor.poll(self.folder)
                if seen.over:
                    self._deliver(seen.state, seen.outcome)
                    return
                self._patiently(self._report, seen.state)
                self._pause(seen.state)
        except ApiError as error:
            # A newer attempt runs, or the task is gone: nobody wants this one.
            if error.kind not in STALE:
                log.error("the server refuses reports of %s: %s", self.task, error)
            log.warning("attempt %d of %s is void: ending it", self.attempt, self.task)
            self._end_void_run()
        except Exception:
            log.exception("following %s failed", self.task)
        finally:
            self._session.close()
            self._ended()

    def _end_void_run(self) -> None:
        self.abort()
        while not self._executor.poll(self.folder).over and not self._detached.is_set():
            time.sleep(TICK)
        self._mark_delivered()

    def _pause(self, state: RunState) -> None:
        """Wait a tick; less when the supervisor ends in the meantime."""
        started = time.monotonic()
        try:
            pidfd = os.pidfd_open(state.supervisor) if state.supervisor else -1
        except OSError:
            pidfd = -1
        if pidfd < 0:
            self._detached.wait(TICK)
            return
        try:
            while (left := RHYTHM - (time.monotonic() - started)) > 0:
                ready, _, _ = select.select([pidfd], [], [], min(TICK, left))
                if ready or self._detached.is_set() or self._news(state):
                    return
        finally:
            os.close(pidfd)

    def _news(self, state: RunState) -> bool:
        return folders.read_state(self.folder).pid != state.pid

    def _report(self, state: RunState) -> None:
        """Send what is new of the console and of the phases."""
        while True:
            text, size = self._unsent()
            phases = [msgspec.to_builtins(p) for p in state.phases]
            result_is_news = bool(state.packages or state.commit) and not self._told_result
            if (
                not text
                and phases == self._phases
                and not result_is_news
                and self._offset is not None
            ):
                return
            answer = self._session.call(
                Report(
                    worker=self._worker,
                    task=self.task,
                    attempt=self.attempt,
                    console=Console(offset=self._offset or 0, size=size, text=text),
                    phases=phases,
                    commit=state.commit or None,
                    packages=state.packages or None,
                ),
                ReportResponse,
            )
            self._phases = phases
            self._told_result = bool(state.packages)
            self._offset = answer.console
            if size < CHUNK and text:
                return
            if not text and self._offset >= self._size():
                return

    def _size(self) -> int:
        try:
            return (self.folder / CONSOLE).stat().st_size
        except FileNotFoundError:
            return 0

    def _unsent(self) -> tuple[str, int]:
        """The console text after what the server has, and how many bytes it is."""
        if self._offset is None or self._size() <= self._offset:
            return "", 0
        with (self.folder / CONSOLE).open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read(CHUNK)
        data = whole_characters(data)
        return data.decode("utf-8", "replace"), len(data)

    def _deliver(self, state: RunState, outcome: Outcome) -> None:
        self._patiently(self._report, state)
        answer = self._patiently(self._finish, outcome)
        if answer is not None:
            log.info("task %s: %s", self.task, answer.status)
            self._mark_delivered()

    def _finish(self, outcome: Outcome) -> FinishResponse:
        return self._session.call(
            Finish(
                worker=self._worker,
                task=self.task,
                attempt=self.attempt,
                outcome=self._verdict(outcome),
                exit_code=outcome.exit_code,
                cause=Cause(outcome.cause) if outcome.cause else None,
                message=outcome.message,
                hint=outcome.hint,
            ),
            FinishResponse,
        )

    def _verdict(self, outcome: Outcome) -> Any:
        if outcome.aborted:
            return "returned" if self.returning.is_set() else "stopped"
        return "failed" if outcome.cause or outcome.exit_code else "completed"

    def _patiently(self, do: Any, *given: Any) -> Any:
        """Do it, and again while the server is away; None when detached first."""
        pause = TICK
        while True:
            try:
                return do(*given)
            except ServerUnreachable as error:
                log.debug("%s; trying again", error)
            except ApiError as error:
                if error.code < 500:
                    raise
                log.warning("%s; trying again", error)
            if self._detached.wait(pause):
                return None
            pause = min(pause * 2, 5.0)

    def _mark_delivered(self) -> None:
        (self.folder / DELIVERED).write_bytes(b"")


def whole_characters(data: bytes) -> bytes:
    """``data`` without a UTF-8 character that is cut at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if back < length else data
    return data
