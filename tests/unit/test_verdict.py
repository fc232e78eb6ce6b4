"""How the facts of an ending are put into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.machine.memory import Kills
from taskyard.agent.run.spec import Exit, Outcome, Process, Stop
from taskyard.agent.run.verdict import LINE_LIMIT, Ending, Memory, judge, last_line
from taskyard.api.errors import Cause

BEFORE = Process(
    boot_id="b",
    keeper=1,
    keeper_start=1.0,
    pid=2,
    pid_start=1.0,
    killed_in_group=3,
    killed_in_machine=5,
)
SAME = Kills(in_group=3, in_machine=5)
KILLED = Exit(code=137, signal=9, ended=0.0)


def ended(
    exit: Exit | None,
    *,
    memory: Memory | None = None,
    stop: Stop | None = None,
    killed: bool = False,
    survivors: int = 0,
    disk_full: bool = False,
    last_line: str = "",
) -> Outcome:
    return judge(
        Ending(
            process=BEFORE,
            exit=exit,
            memory=memory or Memory(now=SAME),
            stop=stop,
            killed=killed,
            survivors=survivors,
            disk_full=disk_full,
            last_line=last_line,
        )
    )


def test_a_failure_on_a_full_disk_is_the_disks() -> None:
    outcome = ended(Exit(code=1, ended=0.0), disk_full=True, last_line="line 7")
    assert (outcome.cause, outcome.exit_code) == (Cause.DISK_FULL, 1)
    assert "line 7" in outcome.message


def test_what_goes_well_on_a_full_disk_goes_well() -> None:
    assert ended(Exit(code=0, ended=0.0), disk_full=True) == Outcome()


@pytest.mark.parametrize(
    "memory",
    [
        Memory(now=SAME, named=True),
        Memory(now=Kills(in_group=4, in_machine=5)),
        Memory(now=Kills(in_group=3, in_machine=6)),
    ],
    ids=["log names it", "own group", "whole machine"],
)
def test_a_kill_while_the_kernel_ended_processes_for_memory_is_out_of_memory(
    memory: Memory,
) -> None:
    assert ended(KILLED, memory=memory).cause == Cause.OUT_OF_MEMORY


def test_a_limit_of_our_group_is_named() -> None:
    memory = Memory(now=Kills(in_group=4, in_machine=5), limit=3 << 30)
    assert "limit 3,072 MiB" in ended(KILLED, memory=memory).message


def test_a_kill_without_any_sign_of_the_kernel_is_not_called_out_of_memory() -> None:
    outcome = ended(KILLED)
    assert outcome.cause == Cause.USER_CODE
    assert "killed by signal 9" in outcome.message


def test_a_failure_beside_a_worker_killed_for_memory_gets_a_hint() -> None:
    memory = Memory(now=Kills(in_group=4, in_machine=6))
    outcome = ended(Exit(code=1, ended=0.0), memory=memory, last_line="worker died")
    assert outcome.cause == Cause.USER_CODE
    assert "lack of memory" in outcome.hint


def test_leaving_with_137_by_itself_is_an_exit_code() -> None:
    assert ended(Exit(code=137, ended=0.0)).message == "exit code 137"


def test_a_real_time_signal_has_a_number_only() -> None:
    assert ended(Exit(code=128 + 40, signal=40, ended=0.0)).message == "killed by signal 40"


def test_a_stopped_run_is_stopped_whatever_its_exit_code() -> None:
    stop = Stop(grace=5.0, cause=Cause.ABORTED, message="aborted by Ada")
    outcome = ended(Exit(code=0, ended=0.0), stop=stop)
    assert outcome == Outcome(exit_code=0, cause=Cause.ABORTED, message="aborted by Ada")


def test_an_interruption_is_no_abort() -> None:
    outcome = ended(KILLED, stop=Stop(grace=5.0, cause=Cause.INTERRUPTED), killed=True)
    assert outcome.cause == Cause.INTERRUPTED
    assert "killed after 5 s of grace" in outcome.message


def test_processes_that_cannot_be_ended_are_counted() -> None:
    outcome = ended(KILLED, stop=Stop(grace=0.0, cause=Cause.ABORTED), survivors=2)
    assert "2 of its processes cannot be ended" in outcome.message


def test_an_end_that_nobody_saw_is_not_called_a_success() -> None:
    assert ended(None).cause == Cause.WORKER_LOST


@pytest.mark.parametrize(
    ("console", "line"),
    [
        (b"first\nlast\n", "last"),
        (b"last\n\n  \n", "last"),
        (b"\x1b[31mred alert\x1b[0m\n", "red alert"),
        (b"10%\r50%\r100%", "100%"),
        (b"caf\xc3\xa9 \xff", "café \N{REPLACEMENT CHARACTER}"),
        (b"\x1b]0;title\x07prompt", "prompt"),
        (b"", ""),
    ],
)
def test_the_last_line_is_the_last_that_says_something(console: bytes, line: str) -> None:
    assert last_line(console) == line


@given(st.binary(max_size=2000))
def test_the_last_line_is_always_one_short_line(console: bytes) -> None:
    line = last_line(console)
    assert len(line) <= LINE_LIMIT
    assert "\n" not in line
    assert "\x1b[" not in line
