"""The supervisor: one small process that takes one attempt from its folder to its outcome.

It lives apart from the agent, in a session of its own, and needs nobody while it works: all that
it is told lies in the run folder, and so does all that it has to tell. When it is killed itself,
another one started on the same folder takes over where the first one was, or says that the
attempt is lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.agent.environments import store
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import keeper, standing, verdict, watch
from taskyard.agent.run import spec as contract
from taskyard.agent.run.redaction import hidden_texts, redact
from taskyard.agent.run.signals import Ear
from taskyard.agent.run.spec import Outcome, Phase, PhaseState, Process, RunSpec, RunState
from taskyard.agent.run.standing import Standing
from taskyard.agent.run.steps import STEPS, Run, Step, at_once, what_to_start
from taskyard.api.errors import Cause, RunError

if TYPE_CHECKING:
    from taskyard.agent.containers.attempt import Attempt

TAKE_OVER = 2.0
"""Seconds to wait for the lock of a supervisor that is just dying."""
TOOL_GRACE = 2.0
"""Seconds between the polite signal and the killing one for the tools of a step."""
LAST_WORD_TRIES = 60
"""Seconds during which the outcome is written again and again when the disk refuses it."""

DONE = 0
NOT_MINE = 3
"""Another supervisor has this run."""
UNTOLD = 4
"""The disk refused the outcome to the last."""

Steps = Sequence[tuple[Phase, Step]]


def supervise(folder: Path, steps: Steps = STEPS) -> int:
    """Take an attempt to its outcome; return this process's exit code.

    Takes the whole process over: session, signals, standard streams; lets go of the run at its
    end, so that it can have another. The outcome is in the state when it returns DONE.
    """
    folder = folder.resolve()
    _detach(folder)
    lock = _lock(folder)
    if lock is None:
        return NOT_MINE
    keeper.adopt_orphans()
    ear = Ear()
    ear.listen()
    try:
        return _supervise(folder, steps, ear, lock)
    finally:
        ear.close()
        os.close(lock)
        keeper.speak_into(Path(os.devnull))


def _supervise(folder: Path, steps: Steps, ear: Ear, lock: int) -> int:
    how, facts = standing.look(folder)
    if how == Standing.ENDED:
        return DONE
    state = facts.state
    if how == Standing.LOST:
        # Tools of the step in which the first supervisor died may still be at work.
        left = processes.group(state.supervisor, state.supervisor_start)
        processes.send(left, signal.SIGKILL)
    # First sign, then look for a wish to stop: whoever wishes does it in the other order, so that
    # one of the two sees the other.
    _sign(folder, state)
    ear.called = ear.called or folders.read_stop(folder) is not None
    hidden: list[str] = []
    spec = run = None
    try:
        secrets = folders.read_secrets(folder)
        hidden = hidden_texts(secrets)
        spec = folders.read_spec(folder)
        run = Run(
            folder=folder,
            spec=spec,
            secrets=secrets,
            state=state,
            say=functools.partial(_say, folder, hidden),
        )
        if how == Standing.NEW:
            outcome = _attempt(run, steps, ear, lock)
        else:
            outcome = _take_over(run, how, facts.process, ear)
    except Exception as error:
        outcome = _failure(folder, hidden, error)
    finished = _finish(folder, hidden, state, outcome)
    if run is not None and run.held is not None:
        run.held.release()
    if spec is not None and spec.container:
        _clear_away(folder, spec)
    return DONE if finished else UNTOLD


def _detach(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # we lead one already
        os.setsid()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    keeper.speak_into(folder / contract.LOG)


def _lock(folder: Path) -> int | None:
    """Make sure that nobody else supervises this run: by a lock on its spec, which stays as is."""
    descriptor = os.open(folder / contract.SPEC, os.O_RDONLY)
    deadline = time.monotonic() + TAKE_OVER
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


def _say(folder: Path, hidden: Sequence[str], line: str) -> None:
    """Add a line to the console. A full disk must not end a run that goes well."""
    with (
        contextlib.suppress(OSError),
        open(folder / contract.CONSOLE, "a+b", buffering=0) as console,
    ):
        size = console.seek(0, os.SEEK_END)
        console.seek(max(0, size - 1))
        begin = "" if console.read(1) in (b"", b"\n") else "\n"
        console.write(f"{begin}[taskyard] {redact(line, hidden)}\n".encode())


def _attempt(run: Run, steps: Steps, ear: Ear, lock: int) -> Outcome:
    """Run the steps, then the user's code."""
    inside = _container(run)
    if inside is not None:
        early = [(name, step) for name, step in steps if name in ("source", "patch")]
        steps = [("image", inside.bring), *early, ("environment", inside.furnish)]
    elif run.spec.asked_image:
        run.say(
            f"the task asks for the image {run.spec.asked_image}, and this agent runs tasks without"
            " containers: start it with --docker to have one"
        )
    hidden = hidden_texts(run.secrets)
    for name, step in steps:
        with _phase(run, name) as phase:
            if not at_once(step, run):
                _note(run, hasty=True)
            try:
                with ear.interrupting():
                    phase.detail = redact(step(run), hidden)
            except BaseException:
                _end_tools()
                if ear.called:  # whatever the tool's end led to, this is the reason
                    return _stopped_early(run)
                raise
    if inside is not None:
        return _run_inside(run, inside, ear)
    with _phase(run, "launch"):
        if ear.called:
            return _stopped_early(run)
        process = _launch(run, lock)
        run.state.pid, run.state.pid_start = process.pid, process.pid_start
        _note(run)
        return _watch(run, process, ear)


def _container(run: Run) -> Attempt | None:
    """What runs the attempt in a container, when it is to be one."""
    if run.spec.container is None:
        return None
    from taskyard.agent.containers.attempt import Attempt

    return Attempt(run, run.spec.container)


def _run_inside(run: Run, inside: Attempt, ear: Ear) -> Outcome:
    with _phase(run, "setup" if inside.prepares else "launch"):
        _note(run, hasty=True)
        if ear.called:
            return _stopped_early(run)
        contained = inside.start()
        _note(run)
        return inside.watch(contained, ear, functools.partial(_prepared, run))


def _prepared(run: Run) -> None:
    """The container is through with its preparation: now the task's own process begins."""
    if run.state.phases[-1].name == "setup":
        _end_phase(run.state)
        run.state.phases.append(PhaseState(name="launch", started=time.time()))
        _note(run)


def _take_over_inside(run: Run, inside: Attempt, before: str, ear: Ear) -> Outcome:
    """Go on with a container: its engine kept all that it wrote while nobody watched."""
    contained = folders.read_contained(run.folder)
    if contained is None or not inside.started(contained):
        return verdict.lost(before)
    return inside.watch(contained, ear, functools.partial(_prepared, run))


def _take_over(run: Run, how: Standing, process: Process | None, ear: Ear) -> Outcome:
    """Go on with a run whose supervisor died."""
    before = run.state.phases[-1].name if run.state.phases else "its start"
    if run.state.environment_key:
        # The first supervisor's hold on it ended with that one.
        run.held = store.hold(Path(run.spec.cache), run.state.environment_key)
    inside = _container(run)
    if inside is not None:
        return _take_over_inside(run, inside, before, ear)
    if process is None or how in (Standing.LOST, Standing.REBOOTED):
        if process is not None:
            watch.clear_away(process)
        if how == Standing.REBOOTED:
            return verdict.rebooted(run.spec.attempt, before)
        return verdict.lost(before)
    # Not to the console: the process may be in the middle of a line of its own.
    sys.stderr.write("the supervisor of this run died; a new one goes on\n")
    sys.stderr.flush()
    process = _settled(run.folder, process)
    if not process.pid and not process.failure:
        return verdict.lost(before)
    _check_started(process)
    run.state.pid, run.state.pid_start = process.pid, process.pid_start
    _note(run)
    return _watch(run, process, ear)


def _settled(folder: Path, process: Process) -> Process:
    """Wait until a keeper that was left in the middle of its start is through with it."""
    while not (process.pid or process.failure):
        gone = processes.wait(process.keeper, process.keeper_start, 0.02)
        process = folders.read_process(folder) or process
        if gone:
            break
    return process


def _launch(run: Run, lock: int) -> Process:
    checkpoints = folders.checkpoints(run.spec.cache, run.spec.task)
    checkpoints.mkdir(mode=0o700, parents=True, exist_ok=True)
    what = what_to_start(run, run.secrets, checkpoints)
    process = keeper.start(run.folder, what, not_inherited=lock)
    _check_started(process)
    return process


def _check_started(process: Process) -> None:
    if process.failure:
        raise RunError(
            Cause.USER_CODE,
            f"cannot start the task: {process.failure}",
            hint="Look at the task's binary and entry point, and whether the file may be executed.",
        )


def _watch(run: Run, process: Process, ear: Ear) -> Outcome:
    return verdict.judge(watch.watch(run.folder, process, run.spec.limits, ear, run.say))


def _stopped_early(run: Run) -> Outcome:
    return verdict.stopped_early(watch.requested(run.folder, run.spec.limits))


def _failure(folder: Path, hidden: Sequence[str], error: Exception) -> Outcome:
    """Say what went wrong outside the user's code."""
    if isinstance(error, RunError):
        if error.tail:
            _say(folder, hidden, f"last words:\n{error.tail}")
    else:
        process = folders.read_process(folder)
        if process is not None:  # a fault in watching it: it must not go on with nobody there
            watch.kill(process)
        if not verdict.is_full_disk(error):
            sys.stderr.write(redact(traceback.format_exc(), hidden))
    return verdict.fault(error, folder / contract.LOG)


def _finish(folder: Path, hidden: Sequence[str], state: RunState, outcome: Outcome) -> bool:
    """Write the outcome so that it outlives the machine; whether that could be done."""
    outcome.message = redact(outcome.message, hidden)
    outcome.hint = redact(outcome.hint, hidden)
    if outcome.message:
        # A failed tool's own words, below, are in the console already.
        _say(folder, hidden, outcome.message.partition("\n")[0])
    _end_phase(state)
    state.outcome = outcome
    for _ in range(LAST_WORD_TRIES):
        try:
            folders.write_state(folder, state, durable=True)
        except OSError:
            traceback.print_exc()
            time.sleep(1)  # a full disk may have room again
        else:
            return True
    return False


def _clear_away(folder: Path, spec: RunSpec) -> None:
    """Drop what is left in the engine. Should that fail, the agent does it later."""
    from taskyard.agent.containers.attempt import clear_away

    try:
        clear_away(folder, spec)
    except RunError:
        traceback.print_exc()


def _sign(folder: Path, state: RunState) -> None:
    """Say who supervises the run from now on."""
    own = os.getpid()
    state.supervisor, state.supervisor_start = own, processes.start_time(own)
    state.boot_id = processes.boot_id()
    folders.write_state(folder, state)


@contextlib.contextmanager
def _phase(run: Run, name: Phase) -> Iterator[PhaseState]:
    phase = PhaseState(name=name, started=time.time())
    run.state.phases.append(phase)
    try:
        yield phase
    finally:
        _end_phase(run.state)


def _end_phase(state: RunState) -> None:
    if state.phases and not state.phases[-1].ended:
        state.phases[-1].ended = time.time()


def _note(run: Run, *, hasty: bool = False) -> None:
    """Write the state down. That a full disk refuses it must not end a run that goes well."""
    try:
        folders.write_state(run.folder, run.state, hasty=hasty)
    except OSError:
        traceback.print_exc()


def _end_tools() -> None:
    """End what a step has left running."""
    keeper.stand_down()
    own = os.getpid()
    for number, limit in ((signal.SIGTERM, TOOL_GRACE), (signal.SIGKILL, watch.KILL_LIMIT)):
        deadline = time.monotonic() + limit
        while left := processes.living(processes.descendants(own)):
            processes.send(left, number)
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)


if __name__ == "__main__":
    raise SystemExit(supervise(Path(sys.argv[1])))
