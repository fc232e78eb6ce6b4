"""Following one run: what it prints and what becomes of it go to the server.

The run folder is the outbox. Console bytes are numbered by their offset in ``console.log`` and
sent until the server has them; the outcome is in ``state.json``; a file ``delivered`` says that
the server knows it all. A follower can therefore stop anywhere and another go on.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from taskyard.agent import artifacts
from taskyard.agent.executors import Executor, Observation
from taskyard.agent.machine import processes
from taskyard.agent.machine.changes import Changes
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import CONSOLE, DELIVERED, EXIT, STATE, Outcome, RunState
from taskyard.agent.sessions import Sessions
from taskyard.api import errors
from taskyard.api.attempts import Console, Finish, FinishResponse, Report, ReportResponse
from taskyard.api.errors import ApiError, Cause, TaskyardError
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

CHUNK = 256 << 10
"""The most console bytes in one report."""
TICK = 0.1
"""Seconds between looks at a run of which the kernel tells nothing: bounds how late a line or a
phase is seen there."""
RHYTHM = 0.15
"""The least seconds between two reports of what one run prints."""
LOOK_AGAIN = 1.0
"""Seconds after which a run is looked at though nothing was heard of it."""
HEAD_START = 0.05
"""Seconds that a run is left alone at first, unless it ends: starting it needs the processors more
than telling the server of it does."""
LONGEST_PAUSE = 5.0
"""Seconds between two tries while the server, or this machine, does not do what is asked."""

VOID = {errors.STALE_ATTEMPT[:2], errors.INVALID_TASK_ID[:2]}
"""Refusals that say: a newer attempt runs, or the task is gone. Nobody wants this run."""
LATER = {401, 403, 408, 413, 429}
"""Refusals of this moment, not of what was said: keys change, proxies come and go."""

FinalWord = Literal["completed", "failed", "stopped", "returned"]


def finish(session: Session, request: Finish) -> FinishResponse:
    """Tell the server of the end of a run. Raises ApiError and ServerUnreachable."""
    return session.call(request, FinishResponse)


class Follower:
    """Follows the run in ``folder`` on a thread of its own until the server knows the end."""

    def __init__(
        self,
        folder: Path,
        sessions: Sessions,
        executor: Executor,
        worker: str,
        ended: Callable[[], None],
        finish: Callable[[Session, Finish], FinishResponse] = finish,
        sent: int | None = 0,
    ) -> None:
        """``ended`` is called, on that thread, when there is nothing left to follow; ``finish``
        tells the server of the end. ``sent``: bytes of the console that the server has; None where
        it is to be asked.

        Raises FileNotFoundError or msgspec.MsgspecError when the folder holds no run.
        """
        self._ended, self._tell_end = ended, finish
        self.folder = folder
        self.spec = folders.read_spec(folder)
        self.task, self.attempt = self.spec.task, self.spec.attempt
        self.ending = False
        """The run was told to end, or has ended: no order is for it any more."""
        self._sessions, self._session = sessions, sessions.borrow()
        self._executor = executor
        self._worker = worker
        self._offset = sent
        self._aborted: float | None = None
        """When an abort was heard of first."""
        self._place = msgspec.to_builtins(self.spec.place) or None
        self._told: Facts | None = None
        self._apart = False
        """The last report does not go with the end."""
        self._trouble = ""
        self._changes = Changes(folder)
        self._detached = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._follow, name=f"follow {self.task[:8]}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def detach(self, timeout: float) -> None:
        """Stop following; the run itself goes on."""
        self._detached.set()
        self._session.cut()
        self._over.wait(timeout)

    @property
    def over(self) -> bool:
        """There is nothing left to follow."""
        return self._over.is_set()

    def due(self, patience: float | None) -> bool:
        """Whether the time is over that the code was given to end by itself, from the first time
        of asking. ``patience`` is that time in seconds; None when nothing is to be waited for."""
        now = time.monotonic()
        self._aborted = now if self._aborted is None else self._aborted
        return patience is None or now - self._aborted >= patience

    def end(self, cause: Cause, message: str) -> None:
        """Have the run end: SIGTERM, the task's grace time, SIGKILL. Raises OSError.

        A run that ends as ``interrupted`` goes back to its queue, even when another agent is the
        one that sees its end.
        """
        if not self.ending:
            grace = self.spec.limits.grace
            self._executor.stop(self.folder, grace, cause=cause, message=message)
            self.ending = True

    def _follow(self) -> None:
        pause = TICK
        try:
            if not self._ended_at_once():
                self._settle()
            while not self._detached.is_set():
                try:
                    if self._go_on():
                        return
                    pause = TICK
                except Exception as error:
                    if self._is_final(error):
                        return
                    self._detached.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._changes.close()
            self._sessions.give_back(self._session)
            self._over.set()
            self._ended()

    def _ended_at_once(self) -> bool:
        """Leave the run alone for a while; whether its code has ended by then."""
        until = time.monotonic() + HEAD_START
        while (left := until - time.monotonic()) > 0 and not self._detached.is_set():
            if EXIT in self._changes.heard(min(left, TICK)):
                return True
        return False

    def _settle(self) -> None:
        """Have the folder outlive a loss of power, now that the run need not wait for the disk.

        One that comes earlier may leave no folder: then the lease lapses, instead of the agent
        giving the task back as soon as it is there again.
        """
        try:
            folders.settle(self.folder)
        except OSError as error:
            log.warning("a loss of power may take the folder of %s: %s", self.task, error)

    def _go_on(self) -> bool:
        """Look at the run once and tell what is new; True when all is told."""
        self._changes.listen_for_writing(CONSOLE)
        seen = self._executor.poll(self.folder)
        last = self._report(seen.state, whole=seen.over)
        self._note_trouble("")
        if not seen.over:
            self._pause(seen.state)
            return False
        self.ending = True
        artifacts.deliver(self._session, self.folder, self.spec)
        answer = self._finish(seen, last)
        log.info("task %s: attempt %d is over: %s", self.task, self.attempt, answer.status)
        self._mark_delivered()
        return True

    def _is_final(self, error: Exception) -> bool:
        """Whether this is the end of following; else it is worth another try."""
        if self._detached.is_set():
            return True
        if isinstance(error, ApiError) and error.kind in VOID:
            log.warning("attempt %d of task %s is void: ending it", self.attempt, self.task)
            self._end_void_run()
            return True
        refused = isinstance(error, ApiError) and error.code < 500 and error.code not in LATER
        if refused and self._executor.poll(self.folder).over:
            # Its folder stays for the next agent: saying the same again at once helps nobody.
            log.error("the server refuses the end of task %s: %s", self.task, error)
            return True
        known = isinstance(error, (TaskyardError, OSError))
        self._note_trouble(str(error) or type(error).__name__, with_traceback=not known)
        return False

    def _note_trouble(self, words: str, *, with_traceback: bool = False) -> None:
        """Log what keeps this run from being followed, once, and the end of it."""
        if words and words != self._trouble:
            log.warning("task %s: %s; trying again", self.task, words, exc_info=with_traceback)
        elif self._trouble and not words:
            log.info("task %s: followed again", self.task)
        self._trouble = words

    def _end_void_run(self) -> None:
        while not self._detached.wait(TICK):
            with contextlib.suppress(OSError):
                self.end(Cause.ABORTED, "the server has given this attempt up")
                if self._executor.poll(self.folder).over:
                    self._mark_delivered()
                    return

    def _pause(self, state: RunState) -> None:
        """Wait until there is something to tell: of steps and the end at once, of lines from time
        to time."""
        begun = time.monotonic()
        written = not self._changes.hears
        rhythm = TICK if written else RHYTHM
        while not self._detached.is_set():
            left = begun + (rhythm if written else LOOK_AGAIN) - time.monotonic()
            if left <= 0:
                return
            heard = self._changes.heard(min(left, TICK))
            written = written or CONSOLE in heard
            if STATE in heard or not processes.alive(state.supervisor, state.supervisor_start):
                return

    def _report(self, state: RunState, *, whole: bool) -> Report | None:
        """Send what is new of the console and of the phases.

        ``whole``: nothing more will come. Then the last of it is given back, if there is any, to
        go with the end.
        """
        while not self._detached.is_set():
            begin, facts = self._offset, _facts(state)
            report = self._news(facts, whole=whole)
            if report is None:
                return None
            size = (report.console and report.console.size) or 0
            if whole and begin is not None and size < CHUNK and not self._apart:
                return report
            answer = self._session.call(report, ReportResponse)
            self._told, self._offset = facts, answer.console
            if size and answer.console <= (begin or 0):
                raise TaskyardError("the server keeps nothing of what the task prints")
            if begin is not None and size < CHUNK and not whole:
                return None
        return None

    def _news(self, facts: Facts, *, whole: bool) -> Report | None:
        """What the server is to be told next; None when it knows all."""
        text, size = self._unsent(whole=whole)
        report = Report(worker=self._worker, task=self.task, attempt=self.attempt)
        if facts != self._told:
            report.phases, report.place = facts.phases, self._place
            report.commit, report.packages = facts.commit or None, facts.packages or None
            report.conda_packages = facts.conda_packages or None
        elif self._offset is not None and not size:
            return None
        if size or self._offset is None:
            report.console = Console(offset=self._offset or 0, size=size, text=text)
        return report

    def _unsent(self, *, whole: bool) -> tuple[str, int]:
        """The console text after what the server has, and how many bytes it is."""
        if self._offset is None:
            return "", 0
        try:
            with (self.folder / CONSOLE).open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read(CHUNK)
        except FileNotFoundError:
            return "", 0
        # A character that is cut at the end of the file gets no other half once all is over.
        if not whole or len(data) == CHUNK:
            data = whole_characters(data)
        return data.decode("utf-8", "replace"), len(data)

    def _finish(self, seen: Observation, last: Report | None) -> FinishResponse:
        outcome = seen.outcome
        request = Finish(
            worker=self._worker,
            task=self.task,
            attempt=self.attempt,
            outcome=final_word(outcome),
            exit_code=outcome.exit_code,
            cause=Cause(outcome.cause) if outcome.cause else None,
            message=outcome.message,
            hint=outcome.hint,
            last=last,
        )
        try:
            return self._tell_end(self._session, request)
        except ApiError as error:
            if last is None or error.kind in VOID:
                raise
            # The server has something else than we thought: it is to be asked first.
            self._offset, self._told, self._apart = None, None, True
            raise TaskyardError(f"the server refuses the last report: {error}") from error

    def _mark_delivered(self) -> None:
        try:
            (self.folder / DELIVERED).write_bytes(b"")
        except OSError as error:
            # Harmless: the next agent tells the server once more, which knows it already.
            log.warning("cannot write to %s: %s", self.folder, error.strerror)


class Facts(NamedTuple):
    """What a run has to tell of itself, besides what it prints."""

    phases: list[dict[str, Any]]
    commit: str
    packages: str
    conda_packages: str


def _facts(state: RunState) -> Facts:
    phases = [msgspec.to_builtins(phase) for phase in state.phases]
    return Facts(phases, state.commit, state.packages, state.conda_packages)


def final_word(outcome: Outcome) -> FinalWord:
    """What an outcome makes of the task: one that was interrupted runs again elsewhere."""
    if outcome.cause == Cause.ABORTED:
        return "stopped"
    if outcome.cause == Cause.INTERRUPTED:
        return "returned"
    return "failed" if outcome.cause or outcome.exit_code else "completed"


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
